// Does inside one network namespace what a test asks of it: requests with any headers, datagrams, foreign web sites.
import dgram from 'node:dgram';
import http from 'node:http';

import { attack, chorus, crowd, Older } from './older.mjs';

const olders = new Map();
const sites = new Map();

const deeds = {
    // One request, with exactly these headers.
    request: ({ port, host = '127.0.0.1', method = 'GET', path = '/', headers = {}, body, bodyBase64 }) =>
        new Promise((done, failed) => {
            const sent = bodyBase64 === undefined ? body : Buffer.from(bodyBase64, 'base64');
            const length = sent === undefined ? {} : { 'Content-Length': Buffer.byteLength(sent) };
            const asked = http.request(
                { host, port, method, path, agent: false, headers: { Host: `127.0.0.1:${port}`, ...length, ...headers } },
                (answer) => {
                    const parts = [];
                    answer.on('data', (part) => parts.push(part));
                    answer.on('error', failed);
                    answer.on('end', () => {
                        const bytes = Buffer.concat(parts);
                        done({
                            status: answer.statusCode,
                            headers: answer.headers,
                            body: bytes.toString('utf8'),
                            base64: bytes.toString('base64'),
                        });
                    });
                },
            );
            asked.setTimeout(15_000, () => asked.destroy(new Error(`no answer to ${method} ${path}`)));
            asked.on('error', failed);
            asked.end(sent);
        }),

    // The head of an answer whose body does not end, and how it begins.
    head: ({ port, path, headers = {} }) =>
        new Promise((done, failed) => {
            const asked = http.request(
                { host: '127.0.0.1', port, path, agent: false, headers: { Host: `127.0.0.1:${port}`, ...headers } },
                (answer) => {
                    answer.once('data', (part) => {
                        done({ status: answer.statusCode, headers: answer.headers, body: part.toString('utf8') });
                        asked.destroy();
                    });
                    answer.once('end', () => done({ status: answer.statusCode, headers: answer.headers, body: '' }));
                },
            );
            asked.on('error', failed);
            asked.end();
        }),

    // An older client: plain datagrams, whose names and texts nobody has cleaned.
    async older(options) {
        const older = await Older.open(options);
        olders.set(older.port, older);
        await older.beat();
        return { port: older.port };
    },
    say: ({ port, to, fields }) => olders.get(port).say(fields, to),
    async leave({ port }) {
        olders.get(port).close();
        olders.delete(port);
    },
    crowd,
    chorus,
    attack,

    // A web site of somebody else: answers by path, and remembers what it was asked.
    site: ({ address = '127.0.0.1', port = 0, pages }) =>
        new Promise((done, failed) => {
            const asked = [];
            const server = http.createServer((request, answer) => {
                const path = request.url.split('?')[0];
                asked.push({ method: request.method, url: request.url, headers: request.headers });
                const page = pages[path];
                answer.writeHead(page ? 200 : 404, page?.headers ?? { 'Content-Type': 'text/html; charset=utf-8' });
                answer.end(page?.body ?? '');
            });
            server.on('error', failed);
            server.listen(port, address, () => {
                sites.set(server.address().port, { server, asked });
                done({ port: server.address().port });
            });
        }),
    asked: async ({ port }) => sites.get(port).asked,

    // Takes a port so that nobody else can have it.
    take: ({ port }) =>
        new Promise((done, failed) => {
            const server = http.createServer();
            server.on('error', failed);
            server.listen(port, '127.0.0.1', () => {
                sites.set(port, { server, asked: [] });
                done({});
            });
        }),
    free: ({ port }) =>
        new Promise((done) => {
            sites.get(port).server.close(() => done({}));
            sites.delete(port);
        }),

    // How many datagrams reach the discovery port here in a while; used to see that a cable is cut.
    listen: ({ address, port }) =>
        new Promise((done, failed) => {
            const socket = dgram.createSocket({ type: 'udp4', reuseAddr: true });
            socket.once('error', failed);
            socket.once('message', (bytes) => {
                socket.close();
                done({ text: bytes.toString('utf8') });
            });
            socket.bind(port, address);
        }),
};

process.on('message', async ({ number, deed, asked }) => {
    try {
        process.send({ number, answer: (await deeds[deed](asked)) ?? {} });
    } catch (error) {
        process.send({ number, error: `${deed}: ${error.message}` });
    }
});
process.on('disconnect', () => process.exit());
process.send({ ready: true });
