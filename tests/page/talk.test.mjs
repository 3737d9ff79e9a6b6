// Two browsers at two peers: DMs both ways, marks that change, posts, what is unread, drafts.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { pair } from './pair.mjs';
import { chat, everyone, field, line, lines, listed, marked, open, rail, say } from './places.mjs';

describe('talk', () => {
    let anna;
    let ben;
    let annas;
    let bens;
    let close;

    before(async () => {
        ({ anna, ben, annas, bens, close } = await pair());
    });
    after(() => close?.());

    test('DMs go both ways, and are marked stored', async () => {
        await open(annas, 'ben');
        await open(bens, 'anna');
        await say(annas, 'hello ben');
        await line(bens, 'hello ben').waitFor();
        await marked(annas, 'hello ben', 'Stored').waitFor();
        await say(bens, 'hello anna\nhow are you?');
        await line(annas, 'how are you?').waitFor();
        await marked(bens, 'how are you', 'Stored').waitFor();
        assert.equal(await line(annas, 'hello ben').count(), 1);
        assert.equal(await line(bens, 'hello ben').count(), 1);
        assert.equal(await line(annas, 'hello anna').locator('.text').innerText(), 'hello anna\nhow are you?');
        assert.equal(await field(annas).inputValue(), '');
    });

    test('a mark changes as things happen, without anything being done', async () => {
        ben.child.kill('SIGSTOP');
        await say(annas, 'are you there?');
        await marked(annas, 'are you there', 'Sent').waitFor();
        ben.child.kill('SIGCONT');
        await marked(annas, 'are you there', 'Stored').waitFor();
        await line(bens, 'are you there?').waitFor();
    });

    test('what is said to somebody who is down waits, and arrives when that one is back', async () => {
        bens.allow(/ERR_CONNECTION|ERR_EMPTY|INCOMPLETE_CHUNKED|401/);
        await ben.end();
        await say(annas, 'for later');
        await marked(annas, 'for later', 'Waiting').waitFor();
        await ben.start();
        await marked(annas, 'for later', 'Stored').waitFor();
        await bens.enter();
        await open(bens, 'anna');
        await line(bens, 'for later').waitFor();
        assert.equal(await line(bens, 'for later').count(), 1);
        // What was in view for a moment is read.
        await bens.until('nothing is unread', () => !document.title.startsWith('('));
    });

    test('posts reach everyone, and what is unread is counted until it is seen', async () => {
        await bens.view('/people');
        await everyone(annas);
        await say(annas, 'good morning all');
        await line(annas, 'good morning all').filter({ hasText: 'to 1 person' }).waitFor();
        await rail(bens).getByRole('link', { name: /Talk.*1 unread|1 unread.*Talk/ }).waitFor();
        assert.match(await bens.page.title(), /^\(1\) /);
        await open(annas, 'ben');
        await say(annas, 'and one for you');
        await listed(bens, 'anna').filter({ hasText: '1 unread' }).waitFor();
        assert.match(await bens.page.title(), /^\(2\) /);

        await everyone(bens);
        await line(bens, 'good morning all').waitFor();
        await bens.until('one is unread', () => document.title.startsWith('(1) '));
        await chat(bens, 'anna').filter({ hasText: '1 unread line' }).click();
        await line(bens, 'and one for you').waitFor();
        await bens.until('nothing is unread', () => !document.title.startsWith('('));
        const rows = await ben.api('GET', '/api/history?unread=true');
        assert.deepEqual(rows, []);
    });

    test('what another program of ours says is shown once', async () => {
        await open(annas, 'ben');
        await anna.host.run(['dm', '--profile', 'anna', 'ben', 'from a terminal']);
        await marked(annas, 'from a terminal', 'Stored').waitFor();
        assert.equal(await line(annas, 'from a terminal').count(), 1);
        await open(bens, 'anna');
        await line(bens, 'from a terminal').waitFor();
    });

    test('a draft is kept for each conversation, over a reload', async () => {
        await open(annas, 'ben');
        await field(annas).fill('not yet said');
        await chat(annas, 'Everyone').click();
        await annas.page.getByRole('textbox', { name: 'Write to everyone' }).waitFor();
        assert.equal(await field(annas).inputValue(), '');
        await annas.page.reload();
        await open(annas, 'ben');
        assert.equal(await field(annas).inputValue(), 'not yet said');
        await field(annas).press('Enter');
        await marked(annas, 'not yet said', 'Stored').waitFor();
        await annas.page.reload();
        await open(annas, 'ben');
        assert.equal(await field(annas).inputValue(), '');
    });

    test('a draft is the same in two tabs, and gone in both once it was sent', async () => {
        const other = await annas.context.newPage();
        await other.goto(annas.page.url());
        const there = other.getByRole('textbox', { name: 'Write to ben' });
        await there.fill('from the other tab');
        await annas.until('it is here, too', () => document.getElementById('write-text').value === 'from the other tab');
        await chat(annas, 'Everyone').click();
        await chat(annas, 'ben').filter({ hasText: 'Draft: from the other tab' }).waitFor();
        await there.press('Enter');
        await chat(annas, 'ben').filter({ hasText: 'You: from the other tab' }).waitFor();
        await open(annas, 'ben');
        assert.equal(await field(annas).inputValue(), '');
        await other.close();
        await annas.page.reload();
        await open(annas, 'ben');
        assert.equal(await field(annas).inputValue(), '');
    });

    test('a long text goes whole, one that is too long is refused and stays', async () => {
        await open(annas, 'ben');
        await open(bens, 'anna');
        const text = `long ${'0123456789abcde '.repeat(3_900)}end`;
        await say(annas, text);
        await line(bens, 'long 0123').waitFor();
        const [last] = (await ben.api('GET', '/api/history?limit=1'));
        assert.equal(last.text, text);
        const more = 'x'.repeat(200_000);
        await say(annas, more);
        await annas.page.getByRole('alert').filter({ hasText: 'has 200,000 bytes, and a message holds 65,536' }).waitFor();
        assert.equal((await field(annas).inputValue()).length, more.length);
        await field(annas).fill('');
    });

    test('a double click and a held key send once', async () => {
        await field(annas).fill('only once');
        await annas.page.getByRole('button', { name: 'Send', exact: true }).dblclick();
        await marked(annas, 'only once', 'Stored').waitFor();
        await field(annas).fill('held once');
        await annas.page.keyboard.down('Enter');
        for (let n = 0; n < 5; n += 1) await annas.page.keyboard.down('Enter');
        await annas.page.keyboard.up('Enter');
        await marked(annas, 'held once', 'Stored').waitFor();
        const said = await anna.api('GET', '/api/history?limit=20');
        const times = (text) => said.filter((one) => one.text === text).length;
        assert.deepEqual([times('only once'), times('held once')], [1, 1]);
    });

    test('the search finds a line and leads to it', async () => {
        await annas.page.getByRole('searchbox', { name: 'Search what was said' }).fill('morning');
        await annas.page.getByRole('link').filter({ hasText: 'good morning all' }).first().click();
        await annas.page.getByRole('textbox', { name: 'Write to everyone' }).waitFor();
        await line(annas, 'good morning all').waitFor();
        await annas.page.getByRole('searchbox', { name: 'Search what was said' }).fill('');
    });

    test('a web address is a link that is not followed by itself', async () => {
        await open(annas, 'ben');
        await open(bens, 'anna');
        await say(bens, 'look at https://example.org/a?b=c, it is good');
        const link = line(annas, 'look at').getByRole('link', { name: 'https://example.org/a?b=c' });
        await link.waitFor();
        assert.equal(await link.getAttribute('href'), 'https://example.org/a?b=c');
        assert.match(await link.getAttribute('rel'), /noopener/);
        assert.equal(await link.getAttribute('target'), '_blank');
    });

    test('no error, no foreign request and no refused script on the way', async () => {
        await lines(annas).waitFor();
        assert.deepEqual(annas.wrong(), []);
        assert.deepEqual(bens.wrong(), []);
    });
});
