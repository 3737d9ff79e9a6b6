// Chromium inside the namespace of a host, and a tab of it that notes all that must not happen.
import fs from 'node:fs';
import path from 'node:path';

import { chromium } from 'playwright-core';

import { within } from './world.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** A browser on a host; it ends with the world of the host. */
export async function browse(host, { args = [] } = {}) {
    const wrapper = path.join(host.home, 'chromium');
    if (!fs.existsSync(wrapper)) {
        fs.writeFileSync(wrapper, `#!/bin/sh\nexec ip netns exec ${host.namespace} ${CHROMIUM} "$@"\n`, { mode: 0o700 });
    }
    return chromium.launch({
        executablePath: wrapper,
        args: ['--no-sandbox', '--force-color-profile=srgb', '--font-render-hinting=none', ...args],
        env: { ...host.env, TMPDIR: host.home },
        handleSIGINT: false,
        handleSIGTERM: false,
        handleSIGHUP: false,
    });
}

/** A tab that shows the page of a peer. */
export class Tab {
    /** Comes in as a user does, with the address that `peer web --print` prints. */
    static async open(browser, peer, { to, theme, ...options } = {}) {
        const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options });
        const tab = await Tab.in(context, peer);
        await tab.enter(to);
        return tab;
    }

    static async in(context, peer) {
        context.setDefaultTimeout(10_000);
        const tab = new Tab();
        Object.assign(tab, { context, peer, faults: [], requests: [], allowed: [] });
        // What hostile texts call if any of them is run.
        await context.exposeBinding('canary', (_, what) => tab.faults.push(`a script ran: ${what}`));
        await context.addInitScript(() => {
            document.addEventListener('securitypolicyviolation', (event) => {
                console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
            });
        });
        tab.page = await context.newPage();
        tab.watch(tab.page);
        context.on('page', (page) => tab.watch(page));
        return tab;
    }

    watch(page) {
        if (page.watched) return;
        page.watched = true;
        page.on('console', (message) => {
            if (message.type() === 'error') this.faults.push(`console: ${message.text()} (${message.location().url})`);
        });
        page.on('pageerror', (error) => this.faults.push(`error: ${error.stack ?? error}`));
        page.on('dialog', (dialog) => {
            if (dialog.type() !== 'beforeunload') this.faults.push(`dialog: ${dialog.message()}`);
            dialog.dismiss().catch(() => {});
        });
        page.on('request', (request) => {
            this.requests.push({ url: request.url(), method: request.method() });
            if (new URL(request.url()).origin !== this.peer.origin) this.faults.push(`request to ${request.url()}`);
        });
    }

    async enter(to = '/people') {
        await this.page.goto(await this.peer.entry());
        await this.page.getByRole('main').waitFor();
        await this.view(to);
    }

    /** Shows one of the views, by its address. */
    async view(to) {
        await this.page.evaluate((hash) => { location.hash = hash; }, `#${to}`);
        await this.page.locator('main[aria-busy="false"], main:not([aria-busy])').waitFor();
    }

    /** Lets these faults pass, because the test makes them. */
    allow(...patterns) {
        this.allowed.push(...patterns);
    }

    /** What went wrong since the start. */
    wrong() {
        return this.faults.filter((fault) => !this.allowed.some((pattern) => pattern.test(fault)));
    }

    /** Waits in the page until a function is true; it is called at every frame. */
    async until(what, test, argument, ms = 10_000) {
        // The policy of the page forbids eval, which waitForFunction needs.
        const deadline = Date.now() + ms;
        for (;;) {
            const value = await within(ms, what, this.page.evaluate(test, argument));
            if (value) return value;
            if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
            await this.page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
        }
    }
}
