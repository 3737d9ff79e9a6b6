// The connection is lost, the peer stands still, the computer sleeps: the page is right again soon after.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Tab, browse } from './browser.mjs';
import { figure } from './figures.mjs';
import { field, line, listed, marked, open, say } from './places.mjs';
import { World } from './world.mjs';

/** From the moment on at which the peer can be reached again. */
const SOON = 3_000;

describe('lost', () => {
    let world;
    let anna;
    let ben;
    let browser;
    let tab;
    let said = 0;

    before(async () => {
        world = new World(2);
        [anna, ben] = await Promise.all([world.hosts[0].peer('anna'), world.hosts[1].peer('ben', { expiry: '300s' })]);
        browser = await browse(world.hosts[0]);
        tab = await Tab.open(browser, anna);
        tab.allow(/ERR_CONNECTION|ERR_EMPTY|INCOMPLETE_CHUNKED|ERR_INTERNET_DISCONNECTED|ERR_NETWORK|ERR_ABORTED|ERR_FAILED/);
        await ben.knows((all) => all.some((one) => one.name === 'anna' && one.presence === 'live'));
        await listed(tab, 'ben').waitFor();
        await open(tab, 'ben');
    });
    after(async () => {
        await browser?.close();
        world?.close();
    });

    const dm = async () => {
        said += 1;
        const { message } = await ben.api('POST', '/api/dms', { to: 'anna', text: `number ${said}.` });
        return [`number ${said}.`, message];
    };

    /** Measures how long it takes until a line is shown. */
    async function shown(what, began, text) {
        // Where one was reading stays in view; what came is told below.
        const below = tab.page.getByRole('button', { name: /new lines?$|^To the newest line$/ });
        await line(tab, text).or(below).first().waitFor();
        if (await below.isVisible()) await below.click();
        await line(tab, text).waitFor();
        const took = Date.now() - began;
        figure(`right again after ${what}`, `${took} ms`, took <= SOON);
        assert.equal(await line(tab, text).count(), 1);
    }

    test('the peer stands still and goes on', async () => {
        anna.child.kill('SIGSTOP');
        const [text] = await dm();
        anna.child.kill('SIGCONT');
        await shown('a peer that stood still', Date.now(), text);
    });

    test('the browser is offline for a while: what is written stays', async () => {
        await tab.context.setOffline(true);
        const [text] = await dm();
        await say(tab, 'written while it was gone');
        await tab.page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor();
        assert.equal(await field(tab).inputValue(), 'written while it was gone');
        await tab.context.setOffline(false);
        await shown('a browser that was offline', Date.now(), text);
        await field(tab).press('Enter');
        await marked(tab, 'written while it was gone', 'Stored').waitFor();
    });

    test('the tab is frozen as in a sleeping laptop, and more happens than is kept', async () => {
        const devtools = await tab.context.newCDPSession(tab.page);
        await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
        const texts = [];
        for (let n = 0; n < 40; n += 1) texts.push((await dm())[0]);
        await devtools.send('Page.setWebLifecycleState', { state: 'active' });
        const began = Date.now();
        await shown('a frozen tab', began, texts.at(-1));
        for (const text of texts.slice(-5)) assert.equal(await line(tab, text).count(), 1, text);
    });

    test('nothing comes through any more, without a word', async () => {
        // No packet reaches anybody on this computer, and nobody is told.
        world.loopback(world.hosts[0], 'down');
        const [text] = await dm();
        await ben.api('GET', '/api/status');
        world.loopback(world.hosts[0], 'up');
        await shown('a silent break', Date.now(), text);
    });

    test('the peer is killed and started again: the page goes on by itself', async () => {
        const port = anna.port;
        const other = await tab.context.newPage();
        await other.goto(`${anna.origin}/#/people`);
        await other.getByRole('list', { name: 'Here' }).waitFor();
        await anna.end('SIGKILL');
        await tab.page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor();
        await field(tab).fill('kept over a restart');
        // The draft is kept a moment later.
        await tab.until('the draft is kept', () => Object.values(localStorage).includes('kept over a restart'));
        tab.allow(/401/);
        await anna.start();
        assert.equal(anna.port, port, 'the port is kept');
        const began = Date.now();
        await tab.page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor({ state: 'hidden' });
        const took = Date.now() - began;
        figure('right again after a restarted peer', `${took} ms`, took <= SOON);
        await ben.knows((all) => all.some((one) => one.name === 'anna' && one.presence === 'live'));
        const [text] = await dm();
        await line(tab, text).waitFor();
        assert.equal(await field(tab).inputValue(), 'kept over a restart');
        await field(tab).press('Enter');
        await marked(tab, 'kept over a restart', 'Stored').waitFor();
        // Another tab of that browser, a bookmark, and pictures.
        await other.getByRole('list', { name: 'Here' }).getByText('live').waitFor();
        await other.reload();
        await other.getByRole('list', { name: 'Here' }).waitFor();
        const picture = await other.evaluate(() => fetch('/avatars/00112233445566778899aabbccddeeff').then((answer) => answer.status));
        assert.equal(picture, 404, 'the cookie is right again');
        await other.close();
    });

    test('all browsers are locked out: the page says how to come in, and is right then', async () => {
        tab.allow(/404/);
        await field(tab).fill('kept over a lock');
        await tab.until('the draft is kept', () => Object.values(localStorage).includes('kept over a lock'));
        await world.hosts[0].run(['web', '--lock', '--profile', 'anna']);
        await tab.page.getByText('peer web', { exact: true }).waitFor();
        await tab.page.reload();
        await tab.page.getByText('peer web', { exact: true }).waitFor();
        const [text] = await dm();
        await tab.enter('/people');
        const entered = Date.now();
        await open(tab, 'ben');
        await shown('a page that was locked, from the way in', entered, text);
        assert.equal(await field(tab).inputValue(), 'kept over a lock');
        await field(tab).press('Enter');
        await marked(tab, 'kept over a lock', 'Stored').waitFor();
    });

    test('no line came twice, and nothing else went wrong', async () => {
        await say(tab, 'the end');
        await marked(tab, 'the end', 'Stored').waitFor();
        const history = await anna.api('GET', '/api/history?limit=1000');
        assert.equal(history.filter((one) => !one.ours).length, said);
        assert.deepEqual(tab.wrong(), []);
    });
});
