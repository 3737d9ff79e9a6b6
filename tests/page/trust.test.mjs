// Digits that both compare, and somebody else under a name that is known.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { Tab } from './browser.mjs';
import { pair } from './pair.mjs';
import { chat, field, line, listed, marked, open, say } from './places.mjs';

describe('trust', () => {
    let world;
    let anna;
    let ben;
    let browsers;
    let annas;
    let bens;
    let close;

    before(async () => {
        ({ world, anna, ben, browsers, annas, bens, close } = await pair());
    });
    after(() => close?.());

    test('both pages show the same digits, and comparing them verifies', async () => {
        const seen = [];
        for (const [tab, other] of [[annas, 'ben'], [bens, 'anna']]) {
            await about(tab, other);
            await tab.page.getByRole('button', { name: 'Compare digits' }).click();
            const digits = tab.page.getByRole('group', { name: 'Digits to compare' });
            await digits.waitFor();
            seen.push((await digits.innerText()).replace(/\D/g, ''));
        }
        assert.match(seen[0], /^\d{60}$/);
        assert.equal(seen[0], seen[1]);

        await annas.page.getByRole('button', { name: 'They are the same' }).click();
        await closeAll(annas);
        await listed(annas, 'ben').filter({ hasText: 'verified' }).waitFor();
        const [known] = await anna.api('GET', '/api/peers');
        assert.equal(known.trust, 'verified');

        // Who sees others is told what to do, and nothing is verified.
        await bens.page.getByRole('button', { name: 'They differ' }).click();
        await bens.page.getByText('Somebody may stand between you').waitFor();
        await closeAll(bens);
        assert.equal(await listed(bens, 'anna').filter({ hasText: 'verified' }).count(), 0);
    });

    test('a new key under a known name is told loudly, and nothing is sent there before the user decides', async () => {
        await open(annas, 'ben');
        await say(annas, 'to the ben I know');
        await marked(annas, 'to the ben I know', 'Stored').waitFor();
        await annas.view('/people');

        assert.deepEqual(bens.wrong(), []);
        await bens.context.close();
        await ben.end();
        // The same name and computer, and nothing of the old identity.
        fs.rmSync(ben.state, { recursive: true });
        await ben.start();
        const alert = annas.page.getByRole('alert').filter({ hasText: 'has a new key' });
        await alert.waitFor();
        await listed(annas, 'ben').filter({ hasText: 'new key' }).waitFor();

        const known = await anna.knows((all) => all.some((one) => one.trust === 'new key'));
        const changed = known.find((one) => one.trust === 'new key');
        await annas.view(`/talk/${encodeURIComponent(changed.key)}`);
        await annas.page.getByText('Nothing is sent there until you decide whether').waitFor();
        assert.equal(await field(annas).isDisabled(), true);
        // Another program may say something: it waits.
        const waits = await anna.api('POST', '/api/dms', { to: changed.who, text: 'once it is you' });
        assert.deepEqual([waits.mark, waits.reason], ['waiting', 'its key is new: say whether that is right']);
        await marked(annas, 'once it is you', 'Waiting').waitFor();
        await ben.api('GET', '/api/status');
        assert.deepEqual(await ben.api('GET', '/api/history'), []);

        await alert.getByRole('button', { name: 'Look into it' }).click();
        const asked = annas.page.getByRole('alertdialog', { name: /ben has a new key/ });
        const digits = asked.getByRole('group', { name: 'Digits to compare' });
        await digits.waitFor();
        bens = await Tab.open(browsers[1], ben);
        await about(bens, 'anna');
        await bens.page.getByRole('button', { name: 'Compare digits' }).click();
        const theirs = bens.page.getByRole('group', { name: 'Digits to compare' });
        await theirs.waitFor();
        assert.equal((await digits.innerText()).replace(/\D/g, ''), (await theirs.innerText()).replace(/\D/g, ''));
        await closeAll(bens);

        await asked.getByRole('button', { name: 'They are the same' }).click();
        await alert.waitFor({ state: 'detached' });
        await field(annas).fill('to the new ben');
        await field(annas).press('Enter');
        await marked(annas, 'to the new ben', 'Stored').waitFor();
        await open(bens, 'anna');
        await line(bens, 'to the new ben').waitFor();
        await line(bens, 'once it is you').waitFor();
        assert.equal(await line(bens, 'to the ben I know').count(), 0);
    });

    test('two with one name are both shown, each with its own conversation', async () => {
        const other = await world.hosts[1].peer('ben', { profile: 'other' });
        await annas.view('/people');
        await annas.until('two are listed', () => [...document.querySelectorAll('main li bdi')].filter((name) => name.textContent === 'ben').length >= 2);
        await annas.view('/talk');
        await chat(annas, 'ben').first().waitFor();
        await other.end();
    });

    test('no error, no foreign request and no refused script on the way', () => {
        assert.deepEqual(annas.wrong(), []);
        assert.deepEqual(bens.wrong(), []);
    });
});

async function about(tab, name) {
    await tab.view('/people');
    await listed(tab, name).first().getByRole('button', { name: `About ${name}` }).click();
}

/** Closes all dialogs, with the key for it. */
async function closeAll(tab) {
    while (await tab.page.locator('dialog[open]').count()) await tab.page.keyboard.press('Escape');
}
