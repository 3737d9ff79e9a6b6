// A large LAN: 1,000 people and 10,000 lines, and the page still draws its frames in time.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Tab, browse } from './browser.mjs';
import { TRIES, figure } from './figures.mjs';
import { everyone, field, lines } from './places.mjs';
import { BROADCAST, World } from './world.mjs';

const PEOPLE = 1_000;
const LINES = 10_000;
const ITEMS = 1_000;

/** Milliseconds a frame may take. */
const FRAME = 50;

/** As fast as nobody types. */
const TYPED = { delay: 20 };

const TEXTS = [
    'short one #',
    'a line of the usual length, as people write them when they have something to say, number #',
    'two things: first https://example.org/page/# and then a question. Is that right?',
    'سطر بالعربية رقم # مع بعض الكلمات',
    'a longer text # that goes over several lines on every screen, since somebody explains in detail what was agreed on in the meeting, who does what until when, and which questions are still open for the next time they meet',
];

describe('size', () => {
    let world;
    let anna;
    let browser;
    let tab;
    const still = {};

    before(async () => {
        world = new World(2);
        anna = await world.hosts[0].peer('anna', { expiry: '600s', heartbeat: '30s' });
        browser = await browse(world.hosts[0]);
        await baseline(browser, still);
        tab = await Tab.open(browser, anna);
    });
    after(async () => {
        await browser?.close();
        world?.close();
    });

    /** Beside a page with nothing on it: other work on this computer slows both. */
    const held = (frames, beside) => frames.p99 <= FRAME + Math.max(0, beside.p99 - 17);
    const beside = (frames, empty = still.scroll) => `${told(frames)}; an empty page: ${told(empty)}`;

    async function smooth(what, deed, empty = still.scroll) {
        let best;
        for (let n = 0; n < TRIES && !(best && held(best, empty)); n += 1) best = await measured(tab.page, deed);
        figure(what, beside(best, empty), held(best, empty));
    }

    /** Of what no figure was asked. */
    async function shown(what, deed) {
        figure(what, beside(await measured(tab.page, deed)), true);
    }

    test(`${PEOPLE} people come while the page shows who is here`, async () => {
        const addresses = world.hosts[1].crowd(PEOPLE);
        const status = await anna.api('GET', '/api/status');
        const to = { address: world.hosts[0].address, port: status.port };
        const asked = { addresses, to, broadcast: BROADCAST, names: ['peer #', 'ada#', 'Zoë #', 'سلمى #', 'old-machine-with-a-long-name #'] };
        const frames = await measured(tab.page, async () => {
            await world.hosts[1].ask('crowd', asked);
            await anna.knows((all) => all.length >= PEOPLE, 60_000);
            await tab.until('the page counts them', (count) => document.querySelector('main h1').parentElement.textContent.replace(/\D/g, '') === String(count), PEOPLE, 20_000);
        });
        figure('1,000 people come', beside(frames), held(frames, still.scroll));
    });

    test(`scrolling through ${PEOPLE} people`, async () => {
        await wheel(tab.page, 'main', 1);
        await smooth('scrolling people', () => wheel(tab.page, 'main', 90));
        assert.ok(await tab.page.locator('main li').count() < 200, 'only what is seen is in the page');
        await tab.page.getByRole('searchbox', { name: 'Search people' }).fill('');
        await smooth('typing in the search', () => tab.page.getByRole('searchbox', { name: 'Search people' }).pressSequentially('old-machine', TYPED), still.typing);
        await tab.page.getByRole('searchbox', { name: 'Search people' }).fill('');
    });

    test(`${LINES} lines come`, async () => {
        await everyone(tab);
        const frames = await measured(tab.page, async () => {
            const { port } = await anna.api('GET', '/api/status');
            const to = { address: world.hosts[0].address, port };
            for (let missing = LINES; missing > 0;) {
                await world.hosts[1].ask('chorus', { to, count: missing, texts: TEXTS });
                missing = LINES - await kept(anna, LINES);
            }
        });
        // More than a computer shows at a time: no limit.
        figure('10,000 lines come at once', beside(frames), true);
    });

    test(`scrolling through ${LINES} lines, and typing below them`, async () => {
        await everyone(tab);
        await lines(tab).getByRole('article').first().waitFor();
        await smooth('scrolling back while older lines are read', () => wheel(tab.page, '[role=feed]', 90, -1));
        const all = await lines(tab).evaluate(async (box, wanted) => {
            const count = () => Number(box.querySelector('[role=article]')?.getAttribute('aria-setsize') ?? 0);
            const deadline = performance.now() + 60_000;
            while (count() < wanted && performance.now() < deadline) {
                box.scrollTop = 0;
                await new Promise((done) => requestAnimationFrame(done));
            }
            return count();
        }, LINES);
        assert.ok(all >= LINES, `${all} lines are in the list`);
        await smooth('scrolling with all lines read', () => wheel(tab.page, '[role=feed]', 90, 1));
        assert.ok(await lines(tab).getByRole('article').count() < 200, 'only what is seen is in the page');
        await smooth('typing', async () => {
            await field(tab).fill('');
            await field(tab).pressSequentially('The quick brown fox jumps over the lazy dog.', TYPED);
        }, still.typing);
        await field(tab).fill('');
    });

    test(`a list of ${ITEMS} items`, async (t) => {
        const headers = { 'X-Peer-Token': anna.token };
        const asked = await anna.host.ask('request', { port: anna.port, path: '/api/lists', headers });
        if (asked.status !== 200) return t.skip('built without lists');
        const list = await anna.api('POST', '/api/lists', { name: 'long' });
        const edits = `/api/lists/${list.id}/edits`;
        for (let n = 0; n < ITEMS; n += 1) await anna.api('POST', edits, { add: { text: TEXTS[n % TEXTS.length].replaceAll('#', String(n)), fields: n % 3 ? {} : { number: String(n) } } });
        await tab.view(`/shared/lists/${list.id}`);
        await tab.page.locator('.item').first().waitFor();
        await shown('scrolling a list', () => wheel(tab.page, '.items', 90));
        assert.ok(await tab.page.locator('.item').count() < 100, 'only what is seen is in the page');
        // While somebody adds above, what is in view stays there.
        await tab.page.locator('.items').evaluate((box) => { box.scrollTop = box.scrollHeight / 2; });
        const first = () => [...document.querySelectorAll('.item')].find((row) => row.getBoundingClientRect().top > row.parentNode.getBoundingClientRect().top)?.querySelector('.item-text').innerText;
        await tab.page.waitForFunction(first);
        const before = await tab.page.evaluate(first);
        await shown('a list that others change', async () => {
            for (let n = 0; n < 20; n += 1) await anna.api('POST', edits, { add: { text: `above ${n}`, at: 1 } });
        });
        assert.equal(await tab.page.evaluate(first), before);
        await tab.page.locator('.item').nth(5).focus();
        await shown('moving an item by keys', async () => {
            for (let n = 0; n < 10; n += 1) await tab.page.keyboard.press('Alt+ArrowDown');
        });
    });

    test(`the network of ${PEOPLE}`, async () => {
        await tab.view('/network');
        await tab.page.locator('main table tbody tr').first().waitFor();
        await smooth('scrolling the network', () => wheel(tab.page, 'main', 90));
        assert.deepEqual(tab.wrong(), []);
    });
});

const told = ({ p50, p99, most, count }) => `p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}, at most ${most.toFixed(1)} ms over ${count} frames`;

/** The time between frames, as the page itself sees it, while something is done. */
async function measured(page, deed) {
    await page.evaluate(() => {
        const frames = [];
        let last;
        const note = (now) => {
            if (last !== undefined) frames.push(now - last);
            last = now;
            window.measuring = requestAnimationFrame(note);
        };
        window.frames = frames;
        window.measuring = requestAnimationFrame(note);
    });
    await deed();
    const frames = await page.evaluate(() => {
        cancelAnimationFrame(window.measuring);
        return window.frames;
    });
    frames.sort((a, b) => a - b);
    const at = (part) => frames[Math.min(frames.length - 1, Math.floor(frames.length * part))];
    return { p50: at(0.5), p99: at(0.99), most: frames.at(-1), count: frames.length };
}

/** Turns the wheel over something, as fast as the browser takes it. */
async function wheel(page, over, turns, way = 1) {
    const box = await page.locator(over).first().boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    for (let n = 0; n < turns; n += 1) await page.mouse.wheel(0, way * 240);
}

async function baseline(browser, still) {
    const page = await browser.newPage();
    await page.setContent('<main style="height: 100000px">nothing</main><textarea style="position: fixed; top: 0"></textarea>');
    still.scroll = await measured(page, () => wheel(page, 'main', 90));
    still.typing = await measured(page, () => page.locator('textarea').pressSequentially('The quick brown fox jumps over the lazy dog.', TYPED));
    await page.close();
}

/** How many lines a peer has kept, once no more come. */
async function kept(peer, wanted) {
    let before = -1;
    for (;;) {
        const [all] = await peer.api('GET', '/api/conversations');
        const now = all.unread;
        if (now >= wanted || now === before) return now;
        before = now;
        await new Promise((done) => setTimeout(done, 1_000));
    }
}
