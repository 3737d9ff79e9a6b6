// Names, statuses and texts that attack: all are shown as what they are, and none of them does anything.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Tab, browse } from './browser.mjs';
import { everyone, lines, open } from './places.mjs';
import { STRINGS, inline } from './strings.mjs';
import { World } from './world.mjs';

/** All that the page may put into a line, a row or a conversation of the list. */
const OURS = new Set(['A', 'ARTICLE', 'BDI', 'BUTTON', 'CODE', 'DIV', 'H1', 'H2', 'IMG', 'LI', 'P', 'SPAN', 'TIME', 'UL', 'svg', 'path', 'circle', 'g', 'rect', 'MARK', 'DL', 'DT', 'DD', 'PRE']);

/** What could reach out, or be turned into something that runs. */
const NEVER = 'script, iframe, object, embed, form form, link:not(head link), style:not(head style), base, meta:not(head meta), video, audio, template, '
    + 'img:not([src^="/avatars/"]), a[href^="javascript" i], a[href^="data" i], a[ping], [style*="url(" i], [srcdoc], [formaction]';

describe('hostile', () => {
    let world;
    let anna;
    let ben;
    let browser;
    let tab;

    before(async () => {
        world = new World(2);
        [anna, ben] = await Promise.all([world.hosts[0].peer('anna', { expiry: '300s' }), world.hosts[1].peer('ben')]);
        await ben.knows((all) => all.some((one) => one.name === 'anna' && one.presence === 'live'));
        browser = await browse(world.hosts[0]);
        tab = await Tab.open(browser, anna);
    });
    after(async () => {
        await browser?.close();
        world?.close();
    });

    test('there are 300 strings and more', () => {
        assert.ok(new Set(STRINGS).size >= 300, String(STRINGS.length));
    });

    test('as texts: each is shown as text', async () => {
        await everyone(tab);
        for (const text of STRINGS.filter((one) => one.trim())) await said(ben, 'POST', '/api/posts', { text: `t:${text}` });
        const history = await wholeHistory(anna, STRINGS.filter((one) => one.trim()).length);
        // The API has the exact text.
        const got = new Set(history.map((line) => line.text));
        const missing = STRINGS.filter((one) => one.trim() && !got.has(`t:${one}`));
        assert.deepEqual(missing, []);
        await everyone(tab);
        const shown = await readAll(tab);
        assert.ok(shown.size >= 300, `${shown.size} lines were shown`);
        // Markup is there letter by letter.
        for (const text of STRINGS.filter((one) => /^[\x20-\x7e]+$/.test(one) && one.length < 400)) {
            assert.ok(shown.has(`t:${text}`.trimEnd()), `not shown as it is: ${text}`);
        }
        await inert(tab);
    });

    test('as DMs, in the list of conversations, and in what is found', async () => {
        for (const text of STRINGS.filter((one, n) => one.trim() && n % 6 === 0)) await said(ben, 'POST', '/api/dms', { to: 'anna', text });
        await open(tab, 'ben');
        await lines(tab).getByRole('article').first().waitFor();
        await readAll(tab);
        const field = tab.page.getByRole('searchbox', { name: 'Search what was said' });
        for (const words of ['script', 'onerror', 'javascript', 'evil']) {
            await field.fill(words);
            await tab.page.getByRole('link').filter({ hasText: words }).first().waitFor();
            await inert(tab);
        }
        await field.fill('');
    });

    test('as names and statuses of older clients, which nobody has cleaned', async () => {
        const host = world.hosts[1];
        const to = { address: world.hosts[0].address, port: await unicast(anna) };
        const names = STRINGS.map(inline).filter((one) => one.trim());
        const addresses = host.crowd(names.length);
        await host.ask('attack', { addresses, to, names });
        // Most of them have nothing left once they are cleaned, or are no ids at all.
        await anna.knows((all) => all.filter((one) => one.older).length >= 300, 60_000);
        await tab.view('/people');
        const main = tab.page.getByRole('main');
        await tab.page.getByRole('searchbox', { name: 'Search people' }).fill('<script>');
        await main.getByText('<script>canary(1)</script>').first().waitFor();
        await inert(tab);
        await tab.page.getByRole('searchbox', { name: 'Search people' }).fill('');
        const seen = await scrollThrough(tab);
        assert.ok(seen >= 300, `${seen} people were shown`);
        await tab.page.getByRole('searchbox', { name: 'Search people' }).fill('onerror');
        await inert(tab);
        await main.getByRole('button', { name: /^About/ }).first().click();
        await tab.page.getByRole('dialog', { name: 'About' }).waitFor();
        await inert(tab);
        await tab.page.keyboard.press('Escape');
        for (const view of ['/network', '/me', '/talk']) {
            await tab.view(view);
            await inert(tab);
        }
    });

    test('as links to somebody, and as places in the page', async () => {
        const addresses = STRINGS.filter((_, n) => n % 4 === 0).flatMap((text, n) => [`/${['connect', 'talk', ''][n % 3]}/${encodeURIComponent(text)}`, `/${text}`]);
        await tab.page.evaluate(async (addresses) => {
            for (const address of addresses) {
                location.hash = `#${address}`;
                await new Promise((done) => requestAnimationFrame(done));
                for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
            }
        }, addresses);
        // What is asked before somebody is added by a link, in full.
        const link = `peer://connect/${'A'.repeat(43)}?name=${encodeURIComponent('<img src=x onerror=canary(1)>')}&at=10.79.0.2:8000`;
        await tab.view(`/connect/${encodeURIComponent(link)}`);
        const asked = tab.page.getByRole('dialog', { name: 'Add from a link' });
        await asked.getByText('<img src=x onerror').waitFor();
        await inert(tab);
        await asked.getByRole('button', { name: 'Cancel' }).click();
        await inert(tab);
        await tab.view('/people');
    });

    test('as lists, their items and fields', async (t) => {
        const asked = await anna.host.ask('request', { port: anna.port, path: '/api/lists', headers: { 'X-Peer-Token': anna.token } });
        if (asked.status !== 200) return t.skip('built without lists');
        // What is refused cannot be shown.
        const names = STRINGS.filter((one, n) => n % 20 === 0 && one.trim());
        for (const name of names) await said(ben, 'POST', '/api/lists', { name }).catch(() => {});
        const mine = await ben.api('GET', '/api/lists');
        assert.ok(mine.length >= 5, `${mine.length} lists`);
        for (const list of mine) await ben.api('POST', `/api/lists/${list.id}/invite`, { all: true });
        // A link of before may still ask something.
        await tab.page.evaluate(() => { for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close(); });
        await tab.view('/shared/lists');
        const join = tab.page.getByRole('button', { name: /^Join the list/ });
        await tab.until('all invitations are shown', (count) => document.querySelectorAll('.invitation').length >= count, mine.length, 20_000);
        await inert(tab);
        await join.first().click();
        await tab.page.getByRole('textbox', { name: 'Add an item' }).waitFor();
        const { id } = (await anna.api('GET', '/api/lists')).find((one) => one.standing === 'joined');
        for (const [n, text] of STRINGS.entries()) await said(ben, 'POST', `/api/lists/${id}/edits`, { add: { text, fields: { [`field-${n % 3}`]: text.slice(0, 200) } } }).catch(() => {});
        const { items } = await ben.api('GET', `/api/lists/${id}`);
        assert.ok(items.length >= 150, `${items.length} items`);
        await tab.until('all items are counted', (count) => document.querySelector('.sheet-title .dim').textContent.replace(/\D.*/u, '') === String(count), items.length, 30_000);
        await install(tab);
        const wrong = await tab.page.getByRole('list', { name: 'Items' }).evaluate(async (box) => {
            const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            const wrong = new Set();
            for (;;) {
                for (const one of window.foreignElements()) wrong.add(one);
                const at = box.scrollTop;
                box.scrollTop += box.clientHeight * 0.7;
                await frame();
                if (box.scrollTop <= at + 1) return [...wrong];
            }
        });
        assert.deepEqual(wrong, []);
        await tab.page.getByRole('button', { name: 'What was done' }).click();
        await tab.page.getByRole('dialog').locator('li').first().waitFor();
        await inert(tab);
        await tab.page.keyboard.press('Escape');
    });

    test('as progress, keys of the cache, and messages of programs', async () => {
        await tab.view('/shared/messages');
        await tab.page.getByRole('group', { name: 'Messages' }).waitFor();
        // The stream begins to tell of topics when this view is opened.
        for (let told = false; !told;) {
            await ben.api('POST', '/api/publish', { topic: 'first', kind: 'data', body: 1, delivery: 'best-effort' });
            told = await tab.page.getByText('first').first().isVisible();
        }
        let topics = 0;
        for (const [n, text] of STRINGS.entries()) {
            await said(ben, 'POST', '/api/publish', { topic: n % 2 ? 'plain' : inline(text).slice(0, 60), kind: 'data', body: { [text]: text, deep: [text] }, delivery: 'best-effort' }).then(() => { topics += 1; }, () => {});
            await said(ben, 'POST', '/api/progress', { user: text, lesson: text, status: text }).catch(() => {});
        }
        assert.ok(topics >= 150, `${topics} messages`);
        // As deep as it may be.
        await said(ben, 'POST', '/api/publish', { topic: 'nested', kind: 'data', body: JSON.parse('['.repeat(30) + ']'.repeat(30)), delivery: 'best-effort' });
        await tab.page.getByRole('article').filter({ hasText: 'nested' }).last().waitFor();
        await inert(tab);
        for (const view of ['/shared/progress', '/shared/cache']) {
            await tab.view(view);
            await tab.page.getByRole('main').locator('table, meter').first().waitFor();
            await inert(tab);
        }
        await tab.view('/people');
    });

    test('no script ran, no dialog opened, nothing else was asked for', () => {
        // Who does not exist is not found, and two that are called the same are not told apart.
        tab.allow(/status of 40[049]/);
        assert.deepEqual(tab.wrong(), []);
    });
});

/** Asks a peer, again when it says that this was too fast. */
async function said(peer, method, target, body) {
    for (;;) {
        try {
            return await peer.api(method, target, body);
        } catch (error) {
            const wait = /"retry_after_ms":(\d+)/.exec(error.message)?.[1];
            if (!wait) throw error;
            await new Promise((done) => setTimeout(done, Number(wait)));
        }
    }
}

const unicast = async (peer) => (await peer.api('GET', '/api/status')).port;

async function wholeHistory(peer, count) {
    const deadline = Date.now() + 30_000;
    for (;;) {
        const history = await peer.api('GET', '/api/history?limit=1000');
        if (history.length >= count || Date.now() > deadline) return history;
    }
}

/** Scrolls through the lines of the conversation, looks at each, and gives what was shown. */
async function readAll(tab) {
    await install(tab);
    const { shown, wrong } = await lines(tab).evaluate(async (box) => {
        const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        const found = new Set();
        const wrong = new Set();
        // To the beginning first, which is read in parts.
        for (let before = -1; before !== box.scrollHeight;) {
            before = box.scrollHeight;
            box.scrollTop = 0;
            for (let n = 0; n < 20 && box.scrollHeight === before; n += 1) await frame();
        }
        for (;;) {
            for (const text of box.querySelectorAll('[role=article] .text')) found.add(text.innerText);
            for (const one of window.foreignElements()) wrong.add(one);
            const at = box.scrollTop;
            box.scrollTop += box.clientHeight * 0.7;
            await frame();
            if (box.scrollTop <= at + 1) break;
        }
        return { shown: [...found], wrong: [...wrong] };
    });
    assert.deepEqual(wrong, []);
    return new Set(shown);
}

/** Scrolls through the people, looks at each, and gives how many rows were shown. */
async function scrollThrough(tab) {
    await install(tab);
    const { shown, wrong } = await tab.page.getByRole('main').evaluate(async (box) => {
        const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        const found = new Set();
        const wrong = new Set();
        for (;;) {
            for (const row of box.querySelectorAll('li[data-id]')) found.add(row.dataset.id);
            for (const one of window.foreignElements()) wrong.add(one);
            const at = box.scrollTop;
            box.scrollTop += box.clientHeight * 0.7;
            await frame();
            if (box.scrollTop <= at + 1) return { shown: found.size, wrong: [...wrong] };
        }
    });
    assert.deepEqual(wrong, []);
    return shown;
}

/** Nothing in the page is an element that the page itself did not make. */
async function inert(tab) {
    await install(tab);
    assert.deepEqual(await tab.page.evaluate(() => window.foreignElements()), []);
    assert.equal(await tab.page.evaluate(() => document.querySelectorAll('main').length), 1);
}

/** Puts a look at all elements into the page: it gives those that hostile text may have made. */
const install = (tab) => tab.page.evaluate(([ours, never]) => {
    window.foreignElements = () => {
        const all = [...document.querySelectorAll('main *, dialog *, nav *')];
        const runs = (one) => one.name.startsWith('on') || (one.name === 'href' && /^\s*(?!https?:|peer:)[\w.+-]+:/i.test(one.value));
        const wrong = [
            ...document.body.querySelectorAll(never),
            ...all.filter((element) => element.closest('[role=article], [role=listitem], td, li:not(:has(label)), .chat') && !ours.includes(element.tagName)),
            ...all.filter((element) => [...element.attributes].some(runs)),
        ];
        return wrong.map((element) => element.outerHTML.slice(0, 200));
    };
}, [[...OURS], NEVER]);
