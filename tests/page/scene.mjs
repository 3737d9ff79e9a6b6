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
    const lists = await share(peers);
    await peers.greta.end('SIGTERM');
    await anna.api('POST', '/api/dms', { to: 'Greta', text: 'Shall I bring you a coffee?' });
    return { world, peers, lists, browser: await browse(first), open: (browser, options) => Tab.open(browser, anna, options) };
}

const SONGS = [
    ['anna', 'Bohemian Rhapsody', { artist: 'Queen', length: '5:55' }],
    ['ben', 'Dancing Queen', { artist: 'ABBA' }],
    ['farid', 'نسم علينا الهوى', { artist: 'فيروز' }],
    ['anna', 'Hey Jude', { artist: 'The Beatles', length: '7:11' }],
    ['emi', 'La vie en rose'],
    ['ben', 'The long one that everybody sings along, with a title that nobody remembers, but all know the second verse of it'],
];

/** Fills what is shared; tells whether there are lists in this program. */
async function share(peers) {
    const { anna, ben } = peers;
    for (const [n, user] of ['fatuma', 'Ali', 'Zoë', 'سلمى', 'Jonas'].entries()) {
        for (let lesson = 1; lesson <= 7 - n; lesson += 1) {
            const status = lesson < 5 - n ? 'completed' : lesson === 5 - n ? 'started' : ['failed', 'waiting for review'][n % 2];
            await anna.api('POST', '/api/progress', { user, lesson: `lesson-00${lesson}`, status });
        }
    }
    for (const key of ['cargo/serde-1.0.228.crate', 'npm/playwright-core-1.56.tgz', 'lint']) await anna.api('PUT', `/api/cache?namespace=lsnp/peer&key=${encodeURIComponent(key)}`, { value: key.repeat(500) });
    for (let n = 0; n < 7; n += 1) await anna.api('GET', '/api/cache?namespace=lsnp/peer&key=lint');
    let party;
    try { party = await anna.api('POST', '/api/lists', { name: 'party' }); } catch (error) {
        if (error.message.includes('not-built')) return false;
        throw error;
    }
    await anna.api('POST', `/api/lists/${party.id}/invite`, { all: true });
    for (const name of ['ben', 'emi', 'farid']) {
        await listed(peers[name], party.id);
        await peers[name].api('POST', `/api/lists/${party.id}/join`);
    }
    for (const [n, [name, text, fields]] of SONGS.entries()) {
        await peers[name].api('POST', `/api/lists/${party.id}/edits`, { add: { text, fields } });
        await holds(anna, party.id, n + 1);
        for (const other of ['ben', 'emi', 'farid']) await holds(peers[other], party.id, n + 1);
    }
    await anna.api('POST', '/api/lists', { name: 'shopping' });
    const trip = await ben.api('POST', '/api/lists', { name: 'Hut in May' });
    await ben.api('POST', `/api/lists/${trip.id}/invite`, { to: await who(ben, 'anna') });
    await listed(anna, trip.id);
    return true;
}

const listed = (peer, list) => until(peer, '/api/lists', (all) => all.some((one) => one.id === list));

const holds = (peer, list, count) => until(peer, `/api/lists/${list}`, (whole) => whole.items.length >= count);

async function until(peer, path, test) {
    const deadline = Date.now() + 10_000;
    for (;;) {
        const answer = await peer.api('GET', path);
        if (test(answer)) return;
        if (Date.now() > deadline) throw new Error(`never: ${path}: ${JSON.stringify(answer)}`);
    }
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
