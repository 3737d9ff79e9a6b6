// Who comes in, and who does not: other hosts, other names for this one, other sites, used codes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Tab, browse } from './browser.mjs';
import { picture } from './pictures.mjs';
import { World } from './world.mjs';

const PATHS = ['/', '/page/app.js', '/page/style.css', '/favicon.ico', '/avatars/00', '/metrics', '/api/status', '/api/events'];

describe('the door', () => {
    let world;
    let host;
    let peer;
    let browser;
    let evil;

    before(async () => {
        world = new World(2);
        host = world.hosts[0];
        peer = await host.peer('anna');
        const rules = 'MAP evil.example 127.0.0.1, MAP rebind.example 127.0.0.1';
        browser = await browse(host, { args: [`--host-resolver-rules=${rules}`] });
        const blank = { headers: { 'Content-Type': 'text/html' }, body: '<!doctype html><title>evil</title>' };
        evil = await host.ask('site', { pages: { '/': blank } });
    });
    after(async () => {
        await browser?.close();
        world?.close();
    });

    const ask = (asked) => host.ask('request', { port: peer.port, ...asked });

    test('another computer does not reach it', async () => {
        const asked = world.hosts[1].ask('request', { host: host.address, port: peer.port });
        await assert.rejects(asked, /ECONNREFUSED/);
    });

    test('a wrong Host, Origin or Sec-Fetch-Site is refused, with the token too', async () => {
        const token = { 'X-Peer-Token': peer.token };
        const here = `127.0.0.1:${peer.port}`;
        const wrong = [
            [421, { Host: 'evil.example' }],
            [421, { Host: `rebind.example:${peer.port}` }],
            [421, { Host: `127.0.0.1.nip.io:${peer.port}` }],
            [421, { Host: `${host.address}:${peer.port}` }],
            [421, { Host: '127.0.0.1' }],
            [403, { Host: here, Origin: 'null' }],
            [403, { Host: here, Origin: 'http://evil.example' }],
            [403, { Host: here, Origin: `http://localhost:${peer.port}` }],
            [403, { Host: here, 'Sec-Fetch-Site': 'cross-site' }],
            [403, { Host: here, 'Sec-Fetch-Site': 'same-site' }],
        ];
        for (const path of PATHS) {
            for (const [status, headers] of wrong) {
                const answer = await ask({ path, headers: { ...token, ...headers } });
                assert.equal(answer.status, status, `${path} ${JSON.stringify(headers)}`);
                assert.match(answer.headers['content-security-policy'], /default-src 'none'/);
                assert.equal(answer.headers['access-control-allow-origin'], undefined);
            }
        }
        // The same without what is wrong.
        assert.equal((await ask({ path: '/' })).status, 200);
        assert.equal((await ask({ path: '/api/status', headers: token })).status, 200);
    });

    test('the document and what it loads have the strict policy, and nothing else is served without a token', async () => {
        const document = await ask({ path: '/' });
        const policy = document.headers['content-security-policy'];
        for (const part of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'",
            "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"]) {
            assert.ok(policy.includes(part), `${part} in ${policy}`);
        }
        assert.doesNotMatch(policy, /unsafe|blob:|data:|https?:|\*/);
        for (const path of ['/api/status', '/api/openapi.json', '/api/events', '/api/history', '/metrics', '/avatars/00', '/nothing']) {
            assert.equal((await ask({ path })).status, 401, path);
        }
        for (const path of ['/page/../api.toml', '/page/%2e%2e/api.toml', '/page//etc/passwd', '/page/..%2fidentity', '/page/%00']) {
            const answer = await ask({ path });
            assert.ok(answer.status >= 400 && !answer.body.includes('token ='), `${path}: ${answer.status}`);
        }
    });

    test('a name that leads to this computer opens nothing', async () => {
        const context = await browser.newContext();
        const page = await context.newPage();
        const answer = await page.goto(`http://rebind.example:${peer.port}/`);
        assert.equal(answer.status(), 421);
        page.on('requestfailed', (r) => console.log(r.url(), r.failure()));
        const statuses = await page.evaluate(async ([paths, token]) => {
            const headers = { 'X-Peer-Token': token };
            const found = [];
            for (const path of paths) found.push((await fetch(path, { headers })).status);
            return found;
        }, [PATHS, peer.token]);
        assert.deepEqual(statuses, PATHS.map(() => 421));
        const entered = await page.evaluate(async (code) => {
            const headers = { 'Content-Type': 'application/json' };
            return (await fetch('/api/enter', { method: 'POST', headers, body: JSON.stringify({ code }) })).status;
        }, await code(peer));
        assert.equal(entered, 421);
        await context.close();
    });

    // A site of somebody else, and another port of this computer: cookies ignore ports, so the second is the harder one.
    for (const [what, name] of [['another site', 'evil.example'], ['another port of this computer', '127.0.0.1']]) {
        test(`${what} can neither read nor do anything`, async () => {
            const picture = await ownPicture(peer);
            const tab = await Tab.open(browser, peer);
            const page = await tab.context.newPage();
            await page.goto(`http://${name}:${evil.port}/`);
            const statuses = await overheard(page, peer.origin);
            const outcomes = await page.evaluate(attack, [peer.origin, peer.token, `/avatars/${picture}`]);
            for (const [attacked, outcome] of Object.entries(outcomes)) assert.equal(outcome, 'refused', attacked);
            const answers = statuses();
            assert.ok(answers.length >= 12, answers.join('\n'));
            assert.deepEqual(answers.filter((answer) => Number(answer.slice(0, 3)) < 400), []);
            const said = await peer.api('GET', '/api/history');
            assert.deepEqual(JSON.stringify(said).includes('hacked'), false);
            assert.notEqual((await peer.api('GET', '/api/profile')).name, 'hacked');
            // The page of the peer itself has the picture: it is the site that was refused.
            assert.equal(await loads(tab.page, `/avatars/${picture}`), true);
            await tab.context.close();
        });
    }

    test('a frame of another site does not show the page, and a window of it is not reached', async () => {
        const context = await browser.newContext();
        const page = await context.newPage();
        await page.goto(`http://evil.example:${evil.port}/`);
        const framed = await page.evaluate((origin) => new Promise((done) => {
            const frame = document.createElement('iframe');
            frame.onload = () => done(frame.contentWindow.length);
            frame.src = `${origin}/`;
            document.body.append(frame);
        }), peer.origin);
        assert.equal(framed, 0);
        const frame = page.frames().find((other) => other !== page.mainFrame());
        assert.equal(await frame.getByRole('navigation').count(), 0);
        const opened = context.waitForEvent('page');
        await page.evaluate((origin) => { window.theirs = window.open(`${origin}/#enter=stolen`); }, peer.origin);
        const popup = await opened;
        await popup.waitForLoadState();
        assert.equal(await popup.getByRole('navigation').count(), 0);
        // The policy of the opener cuts the two apart.
        assert.equal(await page.evaluate(() => {
            window.theirs.postMessage({ token: 'hacked' }, '*');
            try {
                return window.theirs.document.title;
            } catch {
                return window.theirs.closed ? 'closed' : 'refused';
            }
        }).then((outcome) => ['closed', 'refused'].includes(outcome)), true);
        await context.close();
    });

    test('the event stream wants the token, from the page as well', async () => {
        const tab = await Tab.open(browser, peer);
        tab.allow(/401/);
        const statuses = await tab.page.evaluate(async () => {
            const token = localStorage.getItem('peer.token');
            const ask = async (headers) => {
                const stop = new AbortController();
                const answer = await fetch('/api/events', { headers, signal: stop.signal });
                const type = answer.headers.get('content-type');
                stop.abort();
                return [answer.status, type];
            };
            const source = new EventSource('/api/events');
            const refused = await new Promise((done) => {
                source.onopen = () => done('open');
                source.onerror = () => done('refused');
            });
            source.close();
            return { with: await ask({ 'X-Peer-Token': token }), without: (await ask({}))[0], wrong: (await ask({ 'X-Peer-Token': 'x'.repeat(43) }))[0], source: refused };
        });
        assert.deepEqual(statuses, { with: [200, 'text/event-stream'], without: 401, wrong: 401, source: 'refused' });
        await tab.context.close();
    });

    test('the cookie opens pictures to the page and nothing else', async () => {
        const name = await ownPicture(peer);
        const tab = await Tab.open(browser, peer);
        const cookies = await tab.context.cookies(`${peer.origin}/avatars/`);
        assert.equal(cookies.length, 1, JSON.stringify(cookies));
        const [cookie] = cookies;
        assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, 'Strict', '/avatars']);
        assert.deepEqual(await tab.context.cookies(`${peer.origin}/api/status`), []);
        assert.equal(await tab.page.evaluate(() => document.cookie), '');
        const with_ = { Cookie: `${cookie.name}=${cookie.value}` };
        const picture = await ask({ path: `/avatars/${name}`, headers: with_ });
        assert.equal(picture.status, 200);
        assert.match(picture.headers['content-type'], /^image\/(png|jpeg)$/);
        assert.match(picture.headers['content-security-policy'], /sandbox/);
        assert.equal((await ask({ path: `/avatars/${name}` })).status, 401);
        assert.equal((await ask({ path: `/avatars/${name}`, headers: { ...with_, 'Sec-Fetch-Site': 'same-site' } })).status, 403);
        assert.equal((await ask({ path: `/avatars/${name}`, headers: { ...with_, 'Sec-Fetch-Site': 'none' } })).status, 403);
        for (const path of ['/api/status', '/api/events', '/metrics']) {
            assert.equal((await ask({ path, headers: with_ })).status, 401, path);
        }
        assert.deepEqual(tab.wrong(), []);
        await tab.context.close();
    });

    test('another user of this computer who has read a code does not come in with it', async () => {
        const code = new URL(await peer.entry()).hash.replace('#enter=', '');
        const enter = (user) => {
            const script = `process.setgroups([]); process.setgid(${user}); process.setuid(${user});
                fetch('${peer.origin}/api/enter', { method: 'POST', headers: { 'Content-Type': 'application/json' },
                    body: JSON.stringify({ code: '${code}' }) }).then((answer) => process.exit(answer.status === 200 ? 0 : answer.status - 400));`;
            return world.spawn(host.namespace, [process.execPath, '-e', script], { stdio: 'inherit' }).ended;
        };
        assert.equal((await enter(65_534)).code, 3, 'refused with 403');
        assert.equal((await enter(0)).code, 0, 'and good still for the user of the peer');
    });

    test('a code works once, and leaves no trace in the address', async () => {
        const url = await peer.entry();
        const first = await Tab.in(await browser.newContext(), peer);
        await first.page.goto(url);
        await first.page.getByRole('navigation').first().waitFor();
        const address = await first.page.evaluate(() => location.href);
        assert.doesNotMatch(address, /enter/);
        await first.page.goBack().catch(() => null);
        assert.doesNotMatch(first.page.url(), /enter/);

        // Somebody else with the same address stands outside, and is told how to come in.
        const second = await Tab.in(await browser.newContext(), peer);
        second.allow(/401/);
        await second.page.goto(url);
        await second.page.getByText('peer web').first().waitFor();
        assert.equal(await second.page.evaluate(() => localStorage.getItem('peer.token')), null);

        // A reload and a second tab of the first stay in.
        await first.page.goto(`${peer.origin}/#/people`);
        await first.page.reload();
        await first.page.getByRole('navigation').first().waitFor();
        const tab = await first.context.newPage();
        await tab.goto(`${peer.origin}/#/me`);
        await tab.getByText('anna').first().waitFor();
        assert.deepEqual(first.wrong(), []);
        await first.context.close();
        await second.context.close();
    });
});

/** Notes how every request of a tab to an origin was answered, also where the tab may not know. */
async function overheard(page, origin) {
    const network = await page.context().newCDPSession(page);
    const asked = new Map();
    const answers = [];
    network.on('Network.requestWillBeSent', ({ requestId, request }) => asked.set(requestId, request));
    network.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) => answers.push([requestId, statusCode]));
    await network.send('Network.enable');
    return () => answers.map(([id, status]) => [status, asked.get(id)]).filter(([, request]) => request?.url.startsWith(origin))
        .map(([status, request]) => `${status} ${request.method} ${new URL(request.url).pathname}`);
}

const code = async (peer) => new URL(await peer.entry()).hash.replace(/^#enter=/, '').split('&')[0];

/** Gives the peer a picture, and answers its name. */
async function ownPicture(peer) {
    const { port, token, host } = peer;
    const headers = { 'X-Peer-Token': token, 'Content-Type': 'image/png' };
    const bodyBase64 = picture(48, 200).toString('base64');
    const answer = await host.ask('request', { port, method: 'PUT', path: '/api/avatar', headers, bodyBase64 });
    return JSON.parse(answer.body).picture;
}

const loads = (page, url) => page.evaluate((url) => new Promise((done) => {
    const image = new Image();
    image.onload = () => done(true);
    image.onerror = () => done(false);
    image.src = `${url}?${Math.random()}`.replace(/\?.*/, '');
}), url);

/** Runs in the foreign page: tries all that a page can try. */
async function attack([origin, token, avatar]) {
    const outcomes = {};
    const tries = async (what, deed) => {
        try {
            outcomes[what] = (await deed()) ? 'done' : 'refused';
        } catch {
            outcomes[what] = 'refused';
        }
    };
    const element = (name, attributes) => new Promise((done) => {
        const made = Object.assign(document.createElement(name), attributes);
        made.onload = () => done(true);
        made.onerror = () => done(false);
        document.body.append(made);
    });
    const json = { method: 'POST', headers: { 'Content-Type': 'application/json' } };
    await tries('fetch', async () => (await fetch(`${origin}/api/status`)).ok);
    await tries('fetch with the token', async () => (await fetch(`${origin}/api/status`, { headers: { 'X-Peer-Token': token } })).ok);
    await tries('fetch with cookies', async () => (await fetch(origin + avatar, { credentials: 'include' })).ok);
    await tries('fetch of the document', async () => (await fetch(`${origin}/`)).ok);
    await tries('fetch with the token in a query', async () => (await fetch(`${origin}/api/status?token=${token}`)).ok);
    await tries('post', async () => (await fetch(`${origin}/api/posts`, { ...json, body: '{"text":"hacked"}' })).ok);
    await tries('post as plain text', async () => {
        const answer = await fetch(`${origin}/api/posts`, { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"text":"hacked"}' });
        return answer.ok;
    });
    await tries('enter as plain text', async () => {
        const answer = await fetch(`${origin}/api/enter`, { method: 'POST', mode: 'no-cors', body: '{"code":"guess"}' });
        return answer.ok;
    });
    await tries('form', () => new Promise((done) => {
        const frame = Object.assign(document.createElement('iframe'), { name: 'target' });
        const form = Object.assign(document.createElement('form'), { method: 'POST', action: `${origin}/api/posts`, target: 'target', enctype: 'text/plain' });
        const field = Object.assign(document.createElement('input'), { name: '{"text":"hacked', value: '"}' });
        form.append(field);
        document.body.append(frame, form);
        frame.onload = () => {
            // The answer, or what the browser shows instead, is of another origin: it cannot be read.
            try {
                done(frame.contentDocument !== null && frame.contentDocument.URL !== 'about:blank');
            } catch {
                done(false);
            }
        };
        form.submit();
    }));
    await tries('picture', () => element('img', { src: origin + avatar }));
    await tries('script', () => element('script', { src: `${origin}/page/app.js` }));
    await tries('module', () => element('script', { type: 'module', src: `${origin}/page/app.js` }));
    await tries('import', () => import(`${origin}/page/api.js`));
    await tries('style', () => element('link', { rel: 'stylesheet', href: `${origin}/page/style.css` }));
    await tries('object', () => element('object', { data: `${origin}/page/icon.svg`, type: 'image/svg+xml' }));
    await tries('events', () => new Promise((done) => {
        const source = new EventSource(`${origin}/api/events`, { withCredentials: true });
        source.onopen = () => done(true);
        source.onerror = () => done(false);
    }));
    await tries('beacon', async () => {
        navigator.sendBeacon(`${origin}/api/posts`, '{"text":"hacked"}');
        return false;
    });
    return outcomes;
}
