// Older clients: plain datagrams as protocol.md section 7 has them, with whatever is put into the values.
import dgram from 'node:dgram';

const DISCOVERY = 50999;
let ids = 0;

export class Older {
    static async open({ name, address, port = 0, broadcast }) {
        const older = new Older();
        older.socket = dgram.createSocket({ type: 'udp4' });
        await new Promise((done, failed) => {
            older.socket.once('error', failed);
            older.socket.bind(port, address, done);
        });
        older.socket.removeAllListeners('error');
        older.socket.on('error', () => {});
        older.socket.setBroadcast(true);
        Object.assign(older, { name, address, broadcast, port: older.socket.address().port, id: `${name}@${address}` });
        return older;
    }

    // Sends lines of KEY:VALUE; without an address to the discovery port of everyone.
    say(fields, to) {
        const lines = Object.entries(fields).map(([key, value]) => `${key}:${value}\n`);
        const bytes = Buffer.from(`${lines.join('')}\n`, 'utf8');
        const [port, address] = to ? [to.port, to.address] : [DISCOVERY, this.broadcast];
        return new Promise((done, failed) => {
            this.socket.send(bytes, port, address, (error) => (error ? failed(error) : done({})));
        });
    }

    announce() {
        return this.say({ TYPE: 'PEER_DISCOVERY', USER_ID: this.id, PORT: this.port, TIMESTAMP: now(), MESSAGE_ID: id() });
    }

    // Says that it is here, now and every second.
    async beat() {
        await this.announce();
        this.beating = setInterval(() => this.announce().catch(() => {}), 1_000);
    }

    profile(to, name, status) {
        const fields = { TYPE: 'PROFILE', USER_ID: this.id, DISPLAY_NAME: name, STATUS: status };
        return this.say({ ...fields, TIMESTAMP: now(), MESSAGE_ID: id() }, to);
    }

    post(to, text) {
        return this.say({ TYPE: 'POST', USER_ID: this.id, CONTENT: text, TIMESTAMP: now(), MESSAGE_ID: id() }, to);
    }

    close() {
        clearInterval(this.beating);
        this.socket.close();
    }
}

const choir = [];

// Many older clients, each with an address of its own, that announce themselves at a pace that a peer can take.
export async function crowd({ addresses, broadcast, names, every = 20 }) {
    for (const [n, address] of addresses.entries()) {
        const older = await Older.open({ name: names[n % names.length].replace('#', n), address, broadcast });
        choir.push(older);
        await older.announce();
        if (n % every === every - 1) await pause(10);
    }
    return { peers: choir.length };
}

// All of them post, one after the other.
export async function chorus({ to, count, texts, every = 20 }) {
    for (let n = 0; n < count; n += 1) {
        await choir[n % choir.length].post(to, texts[n % texts.length].replaceAll('#', n));
        if (n % every === every - 1) await pause(10);
    }
    return { said: count };
}

// One client for each of these names, which uses it as id, as name and as status.
export async function attack({ addresses, to, names }) {
    let said = 0;
    for (const [n, text] of names.entries()) {
        const whole = Buffer.byteLength(text) <= 100 && !/[\u0000-\u001f\u007f-\u009f\u0085\u2028\u2029@]/.test(text);
        const older = await Older.open({ name: whole ? text : `older${n}`, address: addresses[n], broadcast: to.address });
        const here = { TYPE: 'PEER_DISCOVERY', USER_ID: older.id, PORT: older.port, TIMESTAMP: now(), MESSAGE_ID: id() };
        await older.say(here, to);
        await older.profile(to, text, `status: ${text}`);
        older.close();
        said += 1;
        if (n % 20 === 19) await pause(20);
    }
    return { said };
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const now = () => Math.floor(Date.now() / 1000);
export const id = () => (0x1000_0000_0000 + process.pid * 0x10_0000 + (ids += 1)).toString(16).padStart(16, '0');
