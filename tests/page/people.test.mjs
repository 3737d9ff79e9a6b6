// Somebody appears and leaves while the page watches.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Tab, browse } from './browser.mjs';
import { listed, rail } from './places.mjs';
import { World } from './world.mjs';

describe('people', () => {
    let world;
    let browser;
    let tab;

    before(async () => {
        world = new World(3);
        // Gone after five seconds, so that nobody has to wait for it.
        const peer = await world.hosts[0].peer('anna', { expiry: '5s' });
        browser = await browse(world.hosts[0]);
        tab = await Tab.open(browser, peer);
    });
    after(async () => {
        await browser?.close();
        world?.close();
    });

    test('nobody is here: the page says what to do', async () => {
        await tab.page.getByText('Nobody is here yet').waitFor();
        await tab.page.getByRole('button', { name: 'Why do I see nobody?' }).waitFor();
    });

    test('somebody comes, and leaves with a goodbye', async () => {
        const began = Date.now();
        const ben = await world.hosts[1].peer('ben');
        await listed(tab, 'ben').filter({ hasText: 'live' }).waitFor();
        console.log(`    a new peer is listed ${Date.now() - began} ms after its start`);
        const row = listed(tab, 'ben');
        await row.filter({ hasText: 'private' }).waitFor();
        await row.filter({ hasText: /\d\s?ms/ }).waitFor();
        await tab.page.getByText('1 is here').waitFor();
        const ending = Date.now();
        await ben.end();
        await listed(tab, 'ben', 'Away').waitFor();
        console.log(`    it is away ${Date.now() - ending} ms after the order to end`);
        assert.equal(await listed(tab, 'ben').count(), 0);
        await tab.page.getByText('nobody is here', { exact: true }).waitFor();
    });

    test('somebody who is killed turns quiet, is away then, and comes back', async () => {
        const cai = await world.hosts[2].peer('cai');
        await listed(tab, 'cai').filter({ hasText: 'live' }).waitFor();
        await cai.end('SIGKILL');
        await listed(tab, 'cai').filter({ hasText: 'quiet' }).waitFor();
        await listed(tab, 'cai', 'Away').waitFor();
        await cai.start();
        await listed(tab, 'cai').filter({ hasText: 'live' }).waitFor();
        assert.equal(await listed(tab, 'cai', 'Away').count(), 0);
    });

    test('an older client is told apart by words', async () => {
        await world.hosts[1].older('dora');
        await listed(tab, 'dora').filter({ hasText: 'unverified' }).waitFor();
        await listed(tab, 'dora').getByRole('button', { name: 'About dora' }).click();
        const about = tab.page.getByRole('dialog', { name: 'About' });
        await about.getByText('an older program').waitFor();
        await about.getByRole('button', { name: 'Close' }).first().click();
        await about.waitFor({ state: 'detached' });
    });

    test('the search shows those that fit', async () => {
        await tab.page.getByRole('searchbox', { name: 'Search people' }).fill('dor');
        await listed(tab, 'cai').waitFor({ state: 'detached' });
        await listed(tab, 'dora').waitFor();
        await tab.page.getByRole('searchbox', { name: 'Search people' }).fill('');
        await listed(tab, 'cai').waitFor();
    });

    test('blocking and muting are told and can be undone', async () => {
        await listed(tab, 'cai').getByRole('button', { name: 'About cai' }).click();
        const about = tab.page.getByRole('dialog', { name: 'About' });
        await about.getByRole('button', { name: 'Mute' }).click();
        await about.getByText('muted', { exact: true }).waitFor();
        await about.getByRole('button', { name: 'Block' }).click();
        await tab.page.getByRole('alertdialog').getByRole('button', { name: 'Block' }).click();
        await about.getByText('blocked', { exact: true }).waitFor();
        await about.getByRole('button', { name: 'Unblock' }).click();
        await about.getByRole('button', { name: 'Unmute' }).click();
        await about.getByRole('button', { name: 'Mute' }).waitFor();
        await tab.page.keyboard.press('Escape');
        await about.waitFor({ state: 'detached' });
        await listed(tab, 'cai').waitFor();
        const [cai] = (await tab.peer.api('GET', '/api/peers')).filter((peer) => peer.name === 'cai');
        assert.deepEqual([cai.blocked, cai.muted], [false, false]);
    });

    test('no error, no foreign request and no refused script on the way', async () => {
        await rail(tab).waitFor();
        assert.deepEqual(tab.wrong(), []);
    });
});
