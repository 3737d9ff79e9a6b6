// What is measured: printed always, and judged only where that was asked for, on a machine with nothing else to do.
import assert from 'node:assert/strict';

const JUDGED = process.env.JUDGE === 'yes';

/** Says what was measured, and whether it is within its limit; with JUDGE=yes it has to be. */
export function figure(what, measured, held) {
    console.log(`    ${what}: ${measured}${held ? '' : '  (over the limit)'}`);
    if (JUDGED) assert.ok(held, `${what}: ${measured}`);
}

/** The best of as many tries as are judged: what another program held up is no fault of the page. */
export const TRIES = JUDGED ? 3 : 1;
