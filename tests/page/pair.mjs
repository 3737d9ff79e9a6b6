// Two computers with a peer and a browser each, which know each other.
import { Tab, browse } from './browser.mjs';
import { listed } from './places.mjs';
import { World } from './world.mjs';

/** `{ world, anna, ben, browsers, annas, bens, close() }`: the peers, and the page of each. */
export async function pair() {
    const world = new World(2);
    const browsers = [];
    const close = async () => {
        await Promise.all(browsers.map((browser) => browser.close()));
        world.close();
    };
    try {
        const [anna, ben] = await Promise.all([world.hosts[0].peer('anna'), world.hosts[1].peer('ben')]);
        browsers.push(...(await Promise.all(world.hosts.map((host) => browse(host)))));
        const annas = await Tab.open(browsers[0], anna);
        const bens = await Tab.open(browsers[1], ben);
        await listed(annas, 'ben').filter({ hasText: 'live' }).waitFor();
        await listed(bens, 'anna').filter({ hasText: 'live' }).waitFor();
        return { world, anna, ben, browsers, annas, bens, close };
    } catch (error) {
        await close();
        throw error;
    }
}
