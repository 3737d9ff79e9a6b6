// A lively LAN: eight people with names, pictures and something to say. For pictures of the page and looks at its views.
import { browse, Tab } from './browser.mjs';
import { picture } from './pictures.mjs';
import { World } from './world.mjs';

const PEOPLE = [
    ['ben', 'Ben', 'in the workshop until six', 32],
    ['chiara', 'Chiara Neri', 'back at 14:00', 205],
    ['dmitri', 'Дмитрий', '', 275],
    ['emi', 'Émilie Şahin', 'reviewing', 340],
    ['farid', 'فريد', 'في المكتبة', 150],
    ['greta', 'Greta', 'coffee?', null],
    ['print-room', 'print-room', 'tray 2 is empty', null],
];

const SAID = [
    ['chiara', null, 'Good morning! The meeting is in the small room today.'],
    ['ben', null, 'Thanks. I bring the projector:\n- cable\n- remote\n- the good chalk'],
    ['emi', null, 'Bonjour à tous !'],
    ['print-room', null, 'Job 4117 is ready.'],
    ['anna', 'chiara', 'Morning! Are you in today?'],
    ['chiara', 'anna', 'From ten on. The train stands in Arezzo, as it does every Monday.'],
    ['anna', 'chiara', 'Then I keep the window seat for you.'],
    ['chiara', 'anna', 'Did you see the draft? https://wiki.example/drafts/42'],
    ['anna', 'chiara', 'Reading it now. Section 3 is much clearer, thank you.'],
    ['chiara', 'anna', 'There is one open question at the end: do we say how long it is kept?'],
    ['anna', 'chiara', 'Seven days, and then it is gone. I will add a line.'],
    ['ben', 'anna', 'Lunch at one?'],
    ['farid', 'anna', 'مرحبًا، هل لديك خمس دقائق؟'],
];

export async function scene() {
    const world = new World(4);
    const [first, ...others] = world.hosts;
    const anna = await first.peer('anna', { expiry: '300s' });
    const peers = { anna };
    await Promise.all(PEOPLE.map(async ([name], n) => {
        peers[name] = await others[n % others.length].peer(name, { expiry: '300s' });
    }));
    await Promise.all(PEOPLE.map(async ([name, shown, status, hue]) => {
        const peer = peers[name];
        await peer.api('PATCH', '/api/profile', { name: shown, status });
        if (hue !== null) await portrait(peer, hue);
    }));
    await anna.api('PATCH', '/api/profile', { name: 'Anna', status: 'second floor' });
    await portrait(anna, 12);
    await others[0].older('old-laptop');
    for (const peer of Object.values(peers)) await peer.knows((all) => all.filter((one) => one.presence === 'live' && !one.older).length >= PEOPLE.length);
    await anna.knows((all) => PEOPLE.every(([name, shown, , hue]) => all.some((one) => one.name === shown && one.avatar === (hue !== null))));
    for (const word of ['chiara', 'ben']) await anna.api('POST', '/api/judge', { who: await who(anna, word), word: 'verify' });
    for (const [from, to, text] of SAID) {
        if (to === null) await peers[from].api('POST', '/api/posts', { text });
        else await peers[from].api('POST', '/api/dms', { to: await who(peers[from], to), text });
        await settled(to === null ? anna : peers[to], text);
    }
    // This conversation has been read.
    const read = await anna.api('GET', `/api/history?with=${encodeURIComponent(await who(anna, 'chiara'))}`);
    await anna.api('POST', '/api/read', { rows: read.filter((line) => !line.ours).map((line) => line.row) });
    await peers.greta.end('SIGTERM');
    await anna.api('POST', '/api/dms', { to: 'Greta', text: 'Shall I bring you a coffee?' });
    return { world, peers, browser: await browse(first), open: (browser, options) => Tab.open(browser, anna, options) };
}

async function portrait(peer, hue) {
    const headers = { 'X-Peer-Token': peer.token, 'Content-Type': 'image/png' };
    const bodyBase64 = picture(96, hue).toString('base64');
    await peer.host.ask('request', { port: peer.port, method: 'PUT', path: '/api/avatar', headers, bodyBase64 });
}

/** Whom a peer calls by the name in the id. */
export async function who(peer, name) {
    const peers = await peer.knows((all) => all.some((one) => one.id.startsWith(`${name}@`)));
    return peers.find((one) => one.id.startsWith(`${name}@`)).who;
}

/** Lines stand in the order in which they were said only if each is waited for. */
async function settled(peer, text) {
    const deadline = Date.now() + 10_000;
    for (;;) {
        const lines = await peer.api('GET', '/api/history?limit=5');
        if (lines.some((line) => line.text === text)) return;
        if (Date.now() > deadline) throw new Error(`never came: ${text}`);
    }
}
