// A LAN of network namespaces, joined by a bridge, with real peers on it.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const PEER = process.env.PEER ?? path.join(HERE, '../../target/debug/peer');
const PREFIX = `${process.env.PAGE_LAN ?? 'page'}-${process.pid}`;

// Addresses beyond those of the hosts, that a host can have many of: 10.79.4.0 to 10.79.7.255.
const CROWD = '10.79.4.0/22';
export const BROADCAST = '10.79.255.255';

const live = new Set();
let worlds = 0;

const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
const quietly = (deed) => {
    try {
        return deed();
    } catch {
        return undefined;
    }
};

// Nothing is left behind, however the tests end.
process.on('exit', () => live.forEach((world) => world.close()));
for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]]) {
    process.on(signal, () => process.exit(status));
}

/** Waits for a promise, at most so long. */
export function within(ms, what, promise) {
    let timer;
    const late = new Promise((_, failed) => {
        timer = setTimeout(() => failed(new Error(`not within ${ms} ms: ${what}`)), ms);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class World {
    constructor(hosts) {
        this.name = `${PREFIX}-${(worlds += 1)}`;
        this.switch = `${this.name}-sw`;
        this.folder = fs.mkdtempSync(path.join(os.tmpdir(), `${this.name}-`));
        this.hosts = [];
        this.children = new Set();
        live.add(this);
        this.#namespace(this.switch);
        ip('-n', this.switch, 'link', 'add', 'br0', 'type', 'bridge', 'forward_delay', '0');
        ip('-n', this.switch, 'link', 'set', 'br0', 'up');
        for (let n = 1; n <= hosts; n += 1) this.#host(n);
    }

    #namespace(name) {
        ip('netns', 'add', name);
        for (const which of ['all', 'default']) {
            quietly(() => ip('netns', 'exec', name, 'sysctl', '-qw', `net.ipv6.conf.${which}.disable_ipv6=1`));
        }
        ip('-n', name, 'link', 'set', 'lo', 'up');
    }

    #host(n) {
        const name = `${this.name}-h${n}`;
        this.#namespace(name);
        ip('-n', this.switch, 'link', 'add', `p${n}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
        ip('-n', this.switch, 'link', 'set', `p${n}`, 'master', 'br0');
        ip('-n', this.switch, 'link', 'set', `p${n}`, 'up');
        ip('-n', name, 'addr', 'add', `10.79.0.${n}/16`, 'brd', '+', 'dev', 'eth0');
        ip('-n', name, 'link', 'set', 'eth0', 'up');
        ip('-n', name, 'route', 'add', 'default', 'via', '10.79.255.254');
        this.hosts.push(new Host(this, n, name));
    }

    /** Pulls the cable of a host, or plugs it in again. */
    cable(host, state) {
        ip('-n', this.switch, 'link', 'set', `p${host.n}`, state);
    }

    /** Lets a host not even reach itself. */
    loopback(host, state) {
        ip('-n', host.namespace, 'link', 'set', 'lo', state);
    }

    spawn(namespace, command, options = {}) {
        const child = spawn('ip', ['netns', 'exec', namespace, ...command], options);
        child.ended = new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
        this.children.add(child);
        child.once('exit', () => this.children.delete(child));
        return child;
    }

    /** Ends everything; also called at the end of the process. */
    close() {
        if (!live.delete(this)) return;
        for (const child of this.children) child.kill('SIGKILL');
        for (const name of [this.switch, ...this.hosts.map((host) => host.namespace)]) {
            // What still runs in there is ours: nobody else knows the name.
            const pids = quietly(() => ip('netns', 'pids', name)) ?? '';
            for (const pid of pids.split('\n').filter(Boolean)) quietly(() => process.kill(Number(pid), 'SIGKILL'));
            quietly(() => ip('netns', 'del', name));
        }
        fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    }
}

export class Host {
    #hand;
    #calls = new Map();

    constructor(world, n, namespace) {
        this.world = world;
        this.n = n;
        this.namespace = namespace;
        this.address = `10.79.0.${n}`;
        this.home = path.join(world.folder, `h${n}`);
        fs.mkdirSync(path.join(this.home, 'run'), { recursive: true, mode: 0o700 });
        const own = { HOME: this.home, XDG_RUNTIME_DIR: path.join(this.home, 'run'), TMPDIR: world.folder };
        for (const [key, folder] of [['STATE', 'state'], ['CONFIG', 'config'], ['DATA', 'data'], ['CACHE', 'cache']]) {
            own[`XDG_${key}_HOME`] = path.join(this.home, folder);
        }
        this.env = { PATH: process.env.PATH, LANG: 'C.UTF-8', ...own };
    }

    /** A peer of this host that runs and can be asked. */
    async peer(name, options = {}) {
        const peer = new Peer(this, name, options);
        await peer.start();
        return peer;
    }

    /** Runs a command of the program to its end. */
    async run(words, { status = 0 } = {}) {
        const child = this.world.spawn(this.namespace, [PEER, ...words], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
        let out = '';
        let errors = '';
        child.stdout.on('data', (part) => (out += part));
        child.stderr.on('data', (part) => (errors += part));
        const { code } = await within(20_000, `peer ${words.join(' ')}`, child.ended);
        if (code !== status) throw new Error(`peer ${words.join(' ')} ended with ${code}: ${errors}${out}`);
        return out;
    }

    /** Asks the hand of this host, see hand.mjs. */
    async ask(deed, asked = {}) {
        if (!this.#hand) {
            const command = [process.execPath, path.join(HERE, 'hand.mjs')];
            const hand = this.world.spawn(this.namespace, command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
            const ready = new Promise((done) => {
                hand.on('message', ({ ready, number, answer, error }) => {
                    if (ready) return done();
                    const call = this.#calls.get(number);
                    this.#calls.delete(number);
                    return error ? call.failed(new Error(error)) : call.done(answer);
                });
            });
            this.#hand = within(10_000, 'the hand of a host', ready).then(() => hand);
        }
        const hand = await this.#hand;
        const number = this.#calls.size + Math.random();
        return new Promise((done, failed) => {
            this.#calls.set(number, { done, failed });
            hand.send({ number, deed, asked });
        });
    }

    /** An older client on this host. */
    async older(name, { address = this.address } = {}) {
        const { port } = await this.ask('older', { name, address, broadcast: BROADCAST });
        const id = `${name}@${address}`;
        const say = (fields, to) => this.ask('say', { port, to, fields });
        return { port, id, say, leave: () => this.ask('leave', { port }) };
    }

    /** Gives this host many more addresses, and tells so many of them. */
    crowd(count) {
        quietly(() => ip('-n', this.namespace, 'route', 'add', 'local', CROWD, 'dev', 'lo'));
        return Array.from({ length: count }, (_, n) => `10.79.${4 + (n >> 8)}.${n & 255}`).map((address) =>
            address === '10.79.4.0' ? '10.79.7.254' : address);
    }
}

export class Peer {
    constructor(host, name, { profile = name, args = [], heartbeat = '1s', expiry = '20s' } = {}) {
        Object.assign(this, { host, name, profile, args, heartbeat, expiry });
        this.state = path.join(host.env.XDG_STATE_HOME, 'lsnp', profile);
        this.file = path.join(this.state, 'api.toml');
        this.errors = '';
    }

    async start() {
        fs.mkdirSync(this.state, { recursive: true, mode: 0o700 });
        const words = ['run', '--profile', this.profile, '--name', this.name, '--heartbeat', this.heartbeat];
        words.push('--expiry', this.expiry, ...this.args);
        fs.rmSync(this.file, { force: true });
        const written = appears(this.file);
        this.child = this.host.world.spawn(this.host.namespace, [PEER, ...words], {
            env: this.host.env,
            stdio: ['ignore', 'ignore', 'pipe'],
        });
        this.child.stderr.on('data', (part) => (this.errors += part));
        const ended = this.child.ended.then(({ code }) => {
            throw new Error(`peer ${words.join(' ')} ended with ${code}: ${this.errors}`);
        });
        ended.catch(() => {});
        await within(15_000, `api.toml of ${this.name}: ${this.errors}`, Promise.race([written, ended]));
        const text = fs.readFileSync(this.file, 'utf8');
        this.port = Number(/^port = (\d+)/m.exec(text)[1]);
        this.token = /^token = "(.*)"/m.exec(text)[1];
        this.origin = `http://127.0.0.1:${this.port}`;
    }

    /** Ends it: SIGTERM says goodbye, SIGKILL does not. */
    async end(signal = 'SIGTERM') {
        this.child.kill(signal);
        await within(10_000, `the end of ${this.name}`, this.child.ended);
    }

    /** Asks its API as a program of its user; the answer is read as JSON where it is. */
    async api(method, target, body, headers = {}) {
        const sent = body === undefined ? {} : { body: JSON.stringify(body) };
        const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
        const all = { 'X-Peer-Token': this.token, ...type, ...headers };
        const answer = await this.host.ask('request', { port: this.port, method, path: target, headers: all, ...sent });
        if (answer.status >= 400) throw new Error(`${method} ${target}: ${answer.status} ${answer.body}`);
        return answer.headers['content-type']?.startsWith('application/json') ? JSON.parse(answer.body) : answer.body;
    }

    /** Its peers, once this holds of them. */
    async knows(test, ms = 15_000) {
        const deadline = Date.now() + ms;
        for (;;) {
            const peers = await this.api('GET', '/api/peers?all=true');
            if (test(peers)) return peers;
            if (Date.now() > deadline) throw new Error(`${this.name} knows ${JSON.stringify(peers)}`);
            // The answer takes its time: this is no busy loop.
            await this.api('GET', '/api/status');
        }
    }

    /** The address of the page with a code, as `peer web` prints it. */
    async entry() {
        const printed = await this.host.run(['web', '--print', '--profile', this.profile]);
        const url = printed.trim();
        if (!/^http:\/\/127\.0\.0\.1:\d+\/#enter=[\w-]{43}$/.test(url)) throw new Error(`peer web --print printed ${JSON.stringify(printed)}`);
        return url;
    }
}

/** Waits until a file is there and whole. */
function appears(file) {
    return new Promise((done) => {
        const watcher = fs.watch(path.dirname(file), look);
        function look() {
            if (!/^token = /m.test(quietly(() => fs.readFileSync(file, 'utf8')) ?? '')) return;
            watcher.close();
            done();
        }
        look();
    });
}
