// What two people share on their pages: a list that both change, progress, the cache, messages of programs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { pair } from './pair.mjs';

describe('data', () => {
    let all;
    let annas;
    let bens;
    let built = true;

    before(async () => {
        all = await pair();
        ({ annas, bens } = all);
        built = await listsAreBuilt(all.anna);
    });
    after(() => all?.close());

    test('a program without lists says so, and what to do', async (t) => {
        if (built) return t.skip('this one has lists');
        annas.allow(/status of 50\d/);
        bens.allow(/status of 50\d/);
        await annas.view('/shared/lists');
        await annas.page.getByText('This peer was built without shared lists').waitFor();
    });

    test('a list is made, somebody is invited, joins, and both see what either adds', async (t) => {
        if (!built) return t.skip('built without lists');
        await annas.view('/shared');
        await annas.page.getByRole('textbox', { name: 'Name of a new list' }).fill('party');
        await annas.page.keyboard.press('Enter');
        await annas.page.getByRole('heading', { name: 'party' }).waitFor();
        await add(annas, 'Bohemian Rhapsody');
        await add(annas, 'Dancing Queen');
        await annas.page.getByRole('button', { name: 'Invite somebody' }).click();
        const asked = annas.page.getByRole('dialog', { name: 'Invite to party' });
        await asked.getByRole('button', { name: 'Invite ben' }).click();
        await asked.getByText('invited').waitFor();
        await annas.page.keyboard.press('Escape');

        await bens.view('/shared/lists');
        await bens.page.getByRole('button', { name: 'Join the list party' }).click();
        await item(bens, 'Dancing Queen').waitFor();
        await add(bens, 'Hey Jude');
        await item(annas, 'Hey Jude').filter({ hasText: 'by ben' }).waitFor();
        await same(annas, bens, ['Bohemian Rhapsody', 'Dancing Queen', 'Hey Jude']);
        await annas.page.getByText('2 members').first().waitFor();
    });

    test('an item is changed in its place, with fields, while the other changes it too', async (t) => {
        if (!built) return t.skip('built without lists');
        await bens.page.getByRole('button', { name: 'Change: Hey Jude' }).click();
        const text = bens.page.getByRole('textbox', { name: 'What the item says' });
        await text.fill('Hey Jude, live');
        await bens.page.getByRole('button', { name: 'Add a field' }).click();
        await bens.page.getByRole('textbox', { name: 'Field, such as artist' }).fill('artist');
        await bens.page.getByRole('textbox', { name: 'Value' }).fill('The Beatles');
        // What ben types stays, whatever anna does meanwhile.
        await item(annas, 'Hey Jude').dblclick();
        await annas.page.getByRole('textbox', { name: 'What the item says' }).fill('Hey Judith');
        await annas.page.keyboard.press('Enter');
        await bens.page.getByText('It says now: Hey Judith').waitFor();
        assert.equal(await text.inputValue(), 'Hey Jude, live');
        await bens.page.getByRole('button', { name: 'Save' }).click();
        await item(annas, 'Hey Jude, live').filter({ hasText: 'artistThe Beatles' }).waitFor();
        await same(annas, bens, ['Bohemian Rhapsody', 'Dancing Queen', 'Hey Jude, live']);
    });

    test('an item is moved by keys, by buttons and by the pointer', async (t) => {
        if (!built) return t.skip('built without lists');
        await item(annas, 'Bohemian Rhapsody').focus();
        await annas.page.keyboard.press('Alt+ArrowDown');
        await annas.page.keyboard.press('Alt+ArrowDown');
        await same(annas, bens, ['Dancing Queen', 'Hey Jude, live', 'Bohemian Rhapsody']);
        assert.match(await annas.page.evaluate(() => document.activeElement.getAttribute('aria-label')), /^Bohemian Rhapsody/);
        await bens.page.getByRole('button', { name: 'Move up: Bohemian Rhapsody' }).click();
        await same(annas, bens, ['Dancing Queen', 'Bohemian Rhapsody', 'Hey Jude, live']);
        await drag(annas, 'Hey Jude, live', 'Dancing Queen');
        await same(annas, bens, ['Hey Jude, live', 'Dancing Queen', 'Bohemian Rhapsody']);
        // Escape lets it where it was.
        await drag(bens, 'Bohemian Rhapsody', 'Hey Jude, live', { escape: true });
        await same(annas, bens, ['Hey Jude, live', 'Dancing Queen', 'Bohemian Rhapsody']);
    });

    test('what is removed can be taken back, and the log tells all of it', async (t) => {
        if (!built) return t.skip('built without lists');
        await item(bens, 'Dancing Queen').focus();
        await bens.page.keyboard.press('Delete');
        await same(annas, bens, ['Hey Jude, live', 'Bohemian Rhapsody']);
        await bens.page.getByRole('button', { name: 'Undo my last change' }).first().click();
        await same(annas, bens, ['Hey Jude, live', 'Dancing Queen', 'Bohemian Rhapsody']);
        await annas.page.getByRole('button', { name: 'What was done' }).click();
        const log = annas.page.getByRole('dialog', { name: 'What was done' });
        await log.getByText('You added Dancing Queen at place 2').waitFor();
        await log.getByText('ben joined').waitFor();
        await log.getByRole('listitem').filter({ hasText: 'ben removed Dancing Queen' }).getByText('taken back').waitFor();
        await annas.page.keyboard.press('Escape');
        await annas.page.getByRole('button', { name: 'Who takes part' }).click();
        await annas.page.getByRole('dialog', { name: 'Who takes part' }).getByRole('listitem').filter({ hasText: 'ben' }).getByText(/\d changes/).waitFor();
        await annas.page.keyboard.press('Escape');
    });

    test('who leaves a list has it no longer, and the others keep it', async (t) => {
        if (!built) return t.skip('built without lists');
        await bens.page.getByRole('button', { name: 'Leave the list' }).click();
        await bens.page.getByRole('alertdialog').getByRole('button', { name: 'Leave the list' }).click();
        await item(bens, 'Dancing Queen').waitFor({ state: 'detached' });
        await annas.page.getByText('1 member', { exact: false }).first().waitFor();
        assert.deepEqual(await items(annas), ['Hey Jude, live', 'Dancing Queen', 'Bohemian Rhapsody']);
    });

    test('progress appears on the board as it is told, and changes in its place', async () => {
        await annas.view('/shared/progress');
        await annas.page.getByText('No progress was told yet').waitFor();
        await all.ben.api('POST', '/api/progress', { user: 'fatuma', lesson: 'lesson-001', status: 'started' });
        const cell = annas.page.getByRole('row', { name: /^fatuma/ }).getByRole('cell').first();
        await cell.filter({ hasText: 'started' }).waitFor();
        await bens.view('/shared/progress');
        await bens.page.getByText('Tell progress').click();
        await bens.page.getByLabel('User', { exact: true }).fill('fatuma');
        await bens.page.getByLabel('Lesson', { exact: true }).fill('lesson-001');
        await bens.page.getByLabel('Status', { exact: true }).fill('completed');
        await bens.page.getByRole('button', { name: 'Tell', exact: true }).click();
        await bens.page.getByText('It is on the board, and sent to 1 peer.').waitFor();
        await cell.filter({ hasText: 'completed' }).waitFor();
        await annas.page.getByText('1 entry').waitFor();
    });

    test('the cache tells what is in it', async () => {
        await annas.view('/shared/cache');
        await annas.page.getByText('Nothing was asked for since the start.').waitFor();
        await all.anna.api('PUT', '/api/cache?namespace=owner/repo&key=build', { any: 'value' });
        await annas.page.getByRole('list', { name: 'Newest values' }).getByText('owner/repo · build').waitFor();
        await annas.page.getByText('1 of 1,000').waitFor();
        await all.anna.api('GET', '/api/cache?namespace=owner/repo&key=build');
        await annas.page.getByText('100 % of 1 question saved the work').waitFor();
        await annas.page.getByRole('button', { name: 'Forget all' }).click();
        await annas.page.getByRole('alertdialog').getByRole('button', { name: 'Forget all' }).click();
        await annas.page.getByText('1 value is gone.').waitFor();
        await annas.page.getByText('0 of 1,000').waitFor();
    });

    test('messages are published, seen as they come, and filtered', async () => {
        await bens.view('/shared/messages');
        await annas.view('/shared/messages');
        const [send, body] = [annas.page.getByRole('button', { name: 'Publish' }), annas.page.getByLabel('Body, JSON')];
        await annas.page.getByLabel('Topic', { exact: true }).fill('sensors/room-1/heat');
        await body.fill('{ "celsius": 21.5');
        await annas.page.getByText('No JSON:').waitFor();
        await send.click();
        assert.equal(await body.evaluate((one) => one === document.activeElement), true);
        await body.fill('{ "celsius": 21.5, "big": 12345678901234567890 }');
        await send.click();
        await annas.page.getByText('Sent to 1 peer.').waitFor();
        await message(bens, 'sensors/room-1/heat').filter({ hasText: '"celsius":21.5' }).filter({ hasText: '12345678901234567890' }).waitFor();

        await annas.page.getByLabel('Delivery').selectOption('acknowledged');
        await annas.page.getByLabel('To', { exact: true }).selectOption({ label: 'ben' });
        await annas.page.getByLabel('Topic', { exact: true }).fill('jobs/build');
        await body.fill('"done"');
        await send.click();
        await annas.page.getByText('1 peer acknowledged it.').waitFor();
        await message(bens, 'jobs/build').filter({ hasText: 'private' }).waitFor();

        await bens.page.getByRole('searchbox', { name: 'Topics' }).or(bens.page.getByRole('textbox', { name: 'Topics' })).fill('sensors/+/heat');
        await message(bens, 'jobs/build').waitFor({ state: 'detached' });
        await message(bens, 'sensors/room-1/heat').waitFor();
    });

    test('no error, no foreign request and no refused script on the way', () => {
        // Nobody waits for a list that ben has left.
        bens.allow(/status of 404/);
        assert.deepEqual([...annas.wrong(), ...bens.wrong()], []);
    });
});

async function listsAreBuilt(peer) {
    const answer = await peer.host.ask('request', { port: peer.port, path: '/api/lists', headers: { 'X-Peer-Token': peer.token } });
    return answer.status === 200;
}

const rows = (tab) => tab.page.getByRole('list', { name: 'Items' }).getByRole('listitem');

const item = (tab, text) => rows(tab).filter({ hasText: text });

const items = (tab) => rows(tab).locator('.item-text').allInnerTexts();

const message = (tab, topic) => tab.page.getByRole('feed', { name: 'Messages' }).getByRole('article').filter({ hasText: topic });

async function add(tab, text) {
    await tab.page.getByRole('textbox', { name: 'Add an item' }).fill(text);
    await tab.page.keyboard.press('Enter');
    await item(tab, text).waitFor();
}

/** Both pages show these items, in this order. */
async function same(one, other, wanted) {
    const shown = (wanted) => JSON.stringify([...document.querySelectorAll('.item .item-text')].map((text) => text.innerText)) === wanted;
    for (const tab of [one, other]) {
        try {
            await tab.until('the items are shown', shown, JSON.stringify(wanted));
        } catch {
            assert.deepEqual(await items(tab), wanted);
        }
    }
}

/** Drags an item above another one. */
async function drag(tab, what, above, { escape = false } = {}) {
    const from = await item(tab, what).locator('.item-grip').boundingBox();
    const to = await item(tab, above).boundingBox();
    const { mouse, keyboard } = tab.page;
    await mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await mouse.down();
    await mouse.move(from.x + from.width / 2, to.y + 4, { steps: 5 });
    await tab.until('the place is shown', () => document.querySelector('.drop-mark:not([hidden])') !== null);
    if (escape) await keyboard.press('Escape');
    await mouse.up();
}
