// Draws every view, light and dark, into docs/images.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { scene } from './scene.mjs';

const PLACE = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../docs/images');
const MOST = 150_000;

const all = await scene();
try {
    fs.mkdirSync(PLACE, { recursive: true });
    const { anna } = all.peers;
    const people = await anna.api('GET', '/api/peers');
    const talk = `/talk/${encodeURIComponent(people.find((one) => one.name === 'Chiara Neri').key)}`;
    const views = [
        ['people', '/people', 'main li'],
        ['talk', talk, '[role=article]'],
        ['lists', '/shared/lists', 'main .item'],
        ['progress', '/shared/progress', 'main tbody tr'],
        ['cache', '/shared/cache', 'main meter'],
        ['messages', '/shared/messages', 'main form'],
        ['network', '/network', 'main table tbody tr'],
        ['me', '/me', 'main svg.qr'],
        ['api', '/api', 'main code'],
    ];
    for (const colorScheme of ['light', 'dark']) {
        const tab = await all.open(all.browser, { colorScheme, locale: 'en-GB', deviceScaleFactor: 1 });
        for (const [name, view, sign] of views) await shot(tab, `${name}-${colorScheme}`, view, sign);
        if (colorScheme === 'light') {
            await tab.view('/people');
            await tab.page.getByRole('button', { name: 'About Ben' }).click();
            await tab.page.getByRole('button', { name: 'Compare again' }).click();
            await tab.page.getByRole('group', { name: 'Digits to compare' }).waitFor();
            await save(tab, 'digits-light');
        }
        await tab.context.close();
    }
    const narrow = await all.open(all.browser, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme: 'dark', deviceScaleFactor: 1 });
    await shot(narrow, 'narrow-dark', talk, '[role=article]');
    const [party] = (await anna.api('GET', '/api/lists')).filter((one) => one.name === 'party');
    await shot(narrow, 'lists-narrow-dark', `/shared/lists/${party.id}`, 'main .item');
    const turned = await all.open(all.browser, { locale: 'ar', deviceScaleFactor: 1 });
    await shot(turned, 'arabic-light', '/people', 'main li');
    await shot(turned, 'lists-arabic-light', `/shared/lists/${party.id}`, 'main .item');
} finally {
    await all.browser.close();
    all.world.close();
}

async function shot(tab, name, view, sign) {
    await tab.view(view);
    await tab.page.locator(sign).first().waitFor();
    if (name.startsWith('lists') && !name.includes('-arabic') && !name.includes('narrow')) await tab.page.getByRole('link', { name: 'party' }).click();
    if (name.startsWith('messages')) await said(all.peers.ben, tab);
    // Pictures, and what is asked for every two seconds.
    await tab.until('all pictures are drawn', () => [...document.images].every((image) => image.complete));
    if (name.startsWith('network')) await tab.until('there is traffic', () => document.querySelectorAll('main svg').length > 3, undefined, 10_000);
    await save(tab, name);
}

/** Programs say something while the page looks on. */
async function said(peer, tab) {
    const all = [
        ['sensors/room-1/heat', 'data', { celsius: 21.5 }], ['sensors/room-2/heat', 'data', { celsius: 19, window: 'open' }],
        ['jobs/build', 'control', { run: 'nightly', commit: 'b0bb8b2', targets: ['linux', 'macos', 'windows'], deadline: '18:00' }], ['lobby', 'chat', 'The coffee is ready.'],
    ];
    // The stream of the page begins to hear of topics when it says so.
    await tab.page.waitForResponse((answer) => answer.url().includes('/api/events?topic='), { timeout: 2_000 }).catch(() => {});
    for (const [topic, kind, body] of all) await peer.api('POST', '/api/publish', { topic, kind, body, delivery: 'best-effort' });
    await tab.page.getByText('The coffee is ready.').waitFor();
}

async function save(tab, name) {
    const file = path.join(PLACE, `${name}.png`);
    await tab.page.evaluate(() => document.activeElement?.blur());
    await tab.page.mouse.move(0, 0);
    // The folder of this run says nothing to a reader.
    await tab.page.evaluate(([home, name]) => {
        for (const one of document.querySelectorAll('main bdi')) if (one.textContent.startsWith(home)) one.textContent = one.textContent.replace(home, name);
    }, [all.peers.anna.host.home, '~']);
    await tab.page.screenshot({ path: file, animations: 'disabled', caret: 'hide' });
    const { size } = fs.statSync(file);
    console.log(`${path.relative(process.cwd(), file)}: ${size} bytes`);
    if (size > MOST) throw new Error(`${name} has more than ${MOST} bytes`);
    const wrong = tab.wrong();
    if (wrong.length) throw new Error(wrong.join('\n'));
}
