// Ourselves on the page: what others see of us, the settings of the file, the link that adds us, and its code.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Tab, browse } from './browser.mjs';
import { noise } from './pictures.mjs';
import { field, line, listed, marked, open } from './places.mjs';
import { read } from './qr.mjs';
import { World } from './world.mjs';

const REMARKS = '# Mine: do not touch.\nkeep-time = "90d" # three months\n\n# The end.\n';

describe('me', () => {
    let world;
    let anna;
    let ben;
    const browsers = [];
    let annas;
    let bens;
    let config;

    before(async () => {
        world = new World(2);
        config = path.join(world.hosts[0].env.XDG_CONFIG_HOME, 'lsnp', 'profiles', 'anna.toml');
        fs.mkdirSync(path.dirname(config), { recursive: true, mode: 0o700 });
        fs.writeFileSync(config, REMARKS, { mode: 0o600 });
        [anna, ben] = await Promise.all([world.hosts[0].peer('anna'), world.hosts[1].peer('ben')]);
        browsers.push(...(await Promise.all(world.hosts.map((host) => browse(host)))));
        annas = await Tab.open(browsers[0], anna, { to: '/me', permissions: ['clipboard-read', 'clipboard-write'] });
        bens = await Tab.open(browsers[1], ben);
        await listed(bens, 'anna').waitFor();
    });
    after(async () => {
        await Promise.all(browsers.map((browser) => browser.close()));
        world?.close();
    });

    test('name and status are changed and told to others', async () => {
        await annas.page.getByLabel('Name', { exact: true }).fill('Anna ☕ حنّا');
        await annas.page.keyboard.press('Enter');
        await annas.page.getByLabel('Status', { exact: true }).fill('in the kitchen');
        await annas.page.keyboard.press('Enter');
        await listed(bens, 'Anna ☕ حنّا').filter({ hasText: 'in the kitchen' }).waitFor();
        const profile = await anna.api('GET', '/api/profile');
        assert.deepEqual([profile.name, profile.status], ['Anna ☕ حنّا', 'in the kitchen']);
    });

    test('a name that cannot be is refused and stays in the field', async () => {
        annas.allow(/status of 400/);
        const name = annas.page.getByLabel('Name', { exact: true });
        await name.fill('a\u202eb\u0007');
        await name.press('Enter');
        const outcome = annas.page.getByRole('alert').filter({ hasText: /\S/ }).first();
        await outcome.waitFor();
        assert.equal((await anna.api('GET', '/api/profile')).name, 'Anna ☕ حنّا');
        await name.fill('Anna');
        await name.press('Enter');
        await listed(bens, 'Anna').waitFor();
    });

    test('a large picture is cut, made small, and reaches the other page', async () => {
        const large = noise(700);
        assert.ok(large.length > 1_000_000);
        const chosen = annas.page.waitForEvent('filechooser');
        await annas.page.getByRole('button', { name: 'Choose a picture' }).click();
        await (await chosen).setFiles({ name: 'noise.png', mimeType: 'image/png', buffer: large });
        const crop = annas.page.getByRole('dialog', { name: 'Your picture' });
        await crop.getByRole('group', { name: 'Part of the picture' }).press('+');
        await crop.getByRole('group', { name: 'Part of the picture' }).press('ArrowLeft');
        await crop.getByRole('button', { name: 'Use it' }).click();
        await annas.page.getByText('Your picture is set.').waitFor();
        const profile = await anna.api('GET', '/api/profile');
        assert.ok(profile.avatar > 0 && profile.avatar <= 20_480, `${profile.avatar} bytes`);
        await bens.until('the picture is drawn', (src) => {
            const image = document.querySelector(`img[src="${src}"]`);
            return image?.complete && image.naturalWidth > 0;
        }, `/avatars/${profile.picture}`);
        console.log(`    ${large.length} bytes became ${profile.avatar}`);
        await annas.page.getByRole('button', { name: 'Remove it' }).click();
        await bens.until('the picture is gone', () => !document.querySelector('main img'));
    });

    test('a setting lands in the file, which keeps its remarks', async () => {
        const hours = annas.page.getByLabel(/^quiet-hours/);
        await hours.fill('22:00-07:00');
        await hours.press('Enter');
        await annas.page.getByText('Saved. It holds from the next start.').waitFor();
        let text = fs.readFileSync(config, 'utf8');
        assert.match(text, /^quiet-hours = "22:00-07:00"$/m);
        for (const kept of ['# Mine: do not touch.', 'keep-time = "90d" # three months', '# The end.']) assert.ok(text.includes(kept), text);
        assert.equal(fs.statSync(config).mode & 0o077, 0);

        annas.allow(/status of 400/);
        const before = text;
        await annas.page.getByLabel(/^quiet-hours/).fill('"; x = 1 #');
        await annas.page.getByLabel(/^quiet-hours/).press('Enter');
        await annas.page.getByRole('alert').filter({ hasText: /hours|22:00|time/i }).first().waitFor();
        assert.equal(fs.readFileSync(config, 'utf8'), before);

        await annas.page.getByRole('button', { name: 'Remove keep-time' }).click();
        await annas.page.getByRole('button', { name: 'Remove keep-time' }).waitFor({ state: 'detached' });
        text = fs.readFileSync(config, 'utf8');
        assert.doesNotMatch(text, /^keep-time/m);
        assert.ok(text.includes('# The end.'), text);
        const { settings } = await anna.api('GET', '/api/settings');
        assert.deepEqual(settings.find((one) => one.key === 'quiet-hours').in_file, ['22:00-07:00']);
    });

    test('the code is the link, and the link is that of the peer', async () => {
        await annas.page.reload();
        const drawn = annas.page.getByRole('img', { name: /^QR code/ });
        await drawn.waitFor();
        const modules = await drawn.evaluate((svg) => {
            const margin = 4;
            const size = svg.viewBox.baseVal.width - 2 * margin;
            const rows = Array.from({ length: size }, () => Array(size).fill(false));
            for (const rect of svg.querySelectorAll('rect')) {
                if (rect.getAttribute('fill') === '#fff') continue;
                const [x, y, width] = ['x', 'y', 'width'].map((one) => Number(rect.getAttribute(one)));
                for (let n = 0; n < width; n += 1) rows[y - margin][x - margin + n] = true;
            }
            return rows;
        });
        const { link } = await anna.api('GET', '/api/about');
        assert.equal(read(modules), link);
        assert.match(link, /^peer:\/\/connect\/[\w-]{43}\?/);
        await annas.page.getByRole('button', { name: 'Copy the link' }).click();
        assert.equal(await annas.page.evaluate(() => navigator.clipboard.readText()), link);
    });

    test('blocked and muted are listed with a way back', async () => {
        await annas.view('/people');
        await listed(annas, 'ben').getByRole('button', { name: 'About ben' }).click();
        await annas.page.getByRole('dialog').getByRole('button', { name: 'Mute' }).click();
        await annas.page.keyboard.press('Escape');
        await annas.view('/me');
        const undo = annas.page.getByRole('button', { name: 'Unmute ben' });
        await undo.waitFor();
        await undo.click();
        await annas.page.getByText('Nobody is blocked or muted.').waitFor();
    });

    test('leaving locks the page, and its token opens nothing any more', async () => {
        const left = await Tab.open(browsers[0], anna, { to: '/me' });
        left.allow(/401/);
        const token = await left.page.evaluate(() => localStorage.getItem('peer.token'));
        await left.page.getByRole('button', { name: 'Leave this browser' }).click();
        await left.page.getByRole('alertdialog').getByRole('button', { name: 'Leave this browser' }).click();
        await left.page.getByText('This page is locked').waitFor();
        const answer = await anna.host.ask('request', { port: anna.port, path: '/api/status', headers: { 'X-Peer-Token': token } });
        assert.equal(answer.status, 401);
        assert.deepEqual(left.wrong(), []);
        await left.context.close();
    });

    test('no error, no foreign request and no refused script on the way', () => {
        assert.deepEqual(annas.wrong(), []);
        assert.deepEqual(bens.wrong(), []);
    });
});

describe('a link to somebody', () => {
    let world;
    let anna;
    let ben;
    let browser;
    let tab;

    before(async () => {
        world = new World(2);
        // They listen on different ports for newcomers: without the link they never meet.
        anna = await world.hosts[0].peer('anna');
        ben = await world.hosts[1].peer('ben', { args: ['--discovery-port', '50998'] });
        browser = await browse(world.hosts[0]);
        tab = await Tab.open(browser, anna);
    });
    after(async () => {
        await browser?.close();
        world?.close();
    });

    test('is asked about, adds its peer, and opens the conversation', async () => {
        const { link, fingerprint } = await ben.api('GET', '/api/about');
        await tab.view(`/connect/${encodeURIComponent(link)}`);
        const asked = tab.page.getByRole('dialog', { name: 'Add from a link' });
        await asked.getByText('Called so by the link.').waitFor();
        const shown = (await asked.innerText()).replace(/\s/g, '');
        assert.ok(shown.includes(fingerprint.replace(/\s/g, '').slice(0, 16)), `${shown} ${fingerprint}`);
        assert.deepEqual(await anna.api('GET', '/api/peers'), []);
        await asked.getByRole('button', { name: 'Add and open' }).click();
        await tab.page.getByRole('textbox', { name: 'Write to ben' }).waitFor();
        await field(tab).fill('found you by a link');
        await field(tab).press('Enter');
        await marked(tab, 'found you by a link', 'Stored').waitFor();
        const [got] = await ben.api('GET', '/api/history');
        assert.equal(got.text, 'found you by a link');
        const [known] = await anna.api('GET', '/api/peers');
        assert.equal(known.trust, 'known', 'a link proves nothing');
        // A reload does not ask again.
        await tab.page.reload();
        await line(tab, 'found you by a link').waitFor();
        assert.equal(await tab.page.getByRole('dialog').count(), 0);
    });

    test('is told when somebody else answers there', async () => {
        const { link } = await ben.api('GET', '/api/about');
        const forged = link.replace(/connect\/[\w-]{43}/, `connect/${Buffer.alloc(32, 7).toString('base64url')}`);
        tab.allow(/status of 4\d\d|status of 50\d/);
        await tab.view(`/connect/${encodeURIComponent(forged)}`);
        await tab.page.getByRole('button', { name: 'Add and open' }).click();
        await tab.page.getByRole('dialog').getByText(/another key|somebody else|Nobody answered/i).first().waitFor();
        await tab.page.keyboard.press('Escape');
        assert.equal((await anna.api('GET', '/api/peers')).length, 1);
    });

    test('that is broken is refused in words', async () => {
        await tab.view('/people');
        await tab.page.getByRole('button', { name: 'Add somebody' }).first().click();
        await tab.page.getByLabel('Link or address').fill('peer://connect/AAAA?at=nowhere');
        await tab.page.getByRole('button', { name: 'Add', exact: true }).click();
        await tab.page.getByText('That link is not whole').waitFor();
        await tab.page.keyboard.press('Escape');
        await open(tab, 'ben');
        assert.deepEqual(tab.wrong(), []);
    });
});
