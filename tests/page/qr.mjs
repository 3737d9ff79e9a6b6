// Reads a QR code from its modules: rows of true for dark. The picture is exact, so nothing has to be corrected.

const ECC = [
    // L and M, versions 1 to 20: bytes of correction in a block, and blocks.
    { each: [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26], blocks: [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16] },
    { each: [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28], blocks: [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8] },
];

const MASKS = [
    (x, y) => (x + y) % 2 === 0,
    (x, y) => y % 2 === 0,
    (x) => x % 3 === 0,
    (x, y) => (x + y) % 3 === 0,
    (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
    (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
    (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
    (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

const LETTERS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:';

export function read(modules) {
    const size = modules.length;
    const version = (size - 17) / 4;
    if (!Number.isInteger(version) || version < 1 || version > 20) throw new Error(`a code of ${size} modules`);
    const at = (x, y) => Number(modules[y][x]);
    const spots = [...Array(6).keys()].map((y) => [8, y]).concat([[8, 7], [8, 8], [7, 8]], [5, 4, 3, 2, 1, 0].map((x) => [x, 8]));
    const format = (spots.reduce((bits, [x, y], n) => bits | (at(x, y) << n), 0) ^ 0x5412) >> 10;
    const level = ECC[format >> 3];
    if (!level) throw new Error('a level of correction that is not read here');
    const bits = [];
    const used = drawn(size, version);
    for (let right = size - 1; right >= 1; right -= 2) {
        if (right === 6) right = 5;
        for (let step = 0; step < size; step += 1) {
            const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
            for (const x of [right, right - 1]) {
                if (!used(x, y)) bits.push(at(x, y) ^ Number(MASKS[format & 7](x, y)));
            }
        }
    }
    const words = Array.from({ length: bits.length >> 3 }, (_, n) => Number.parseInt(bits.slice(n * 8, n * 8 + 8).join(''), 2));
    return text(together(words, level.each[version - 1], level.blocks[version - 1]), version);
}

/** What is not data. */
function drawn(size, version) {
    const count = version === 1 ? 0 : Math.floor(version / 7) + 2;
    const step = Math.ceil((size - 13) / (count * 2 - 2)) * 2;
    const places = count ? [6, ...Array.from({ length: count - 1 }, (_, n) => size - 7 - n * step)] : [];
    const small = (x, y) => places.some((px) => places.some((py) => {
        const corner = (px === 6 && py === 6) || (px === 6 && py === size - 7) || (px === size - 7 && py === 6);
        return !corner && Math.abs(px - x) <= 2 && Math.abs(py - y) <= 2;
    }));
    return (x, y) => x === 6 || y === 6 || (x < 9 && y < 9) || (x >= size - 8 && y < 9) || (x < 9 && y >= size - 8) || small(x, y)
        || (version >= 7 && ((x < 6 && y >= size - 11) || (y < 6 && x >= size - 11)));
}

/** Puts the blocks one after the other, which are interleaved. */
function together(words, each, blocks) {
    const short = Math.floor(words.length / blocks);
    const longer = blocks - (words.length % blocks);
    const parts = Array.from({ length: blocks }, () => []);
    let next = 0;
    for (let n = 0; n <= short - each; n += 1) {
        for (let block = 0; block < blocks; block += 1) {
            if (n < short - each || block >= longer) parts[block].push(words[(next += 1) - 1]);
        }
    }
    return parts.flat();
}

function text(words, version) {
    const bits = words.map((word) => word.toString(2).padStart(8, '0')).join('');
    let place = 0;
    const take = (count) => Number.parseInt(bits.slice(place, (place += count)), 2);
    const wide = version < 10 ? 0 : 1;
    const bytes = [];
    const add = (string) => bytes.push(...Buffer.from(string));
    while (place + 4 <= bits.length) {
        const mode = take(4);
        if (mode === 0) break;
        if (mode === 4) {
            for (let left = take([8, 16][wide]); left > 0; left -= 1) bytes.push(take(8));
        } else if (mode === 2) {
            let left = take([9, 11][wide]);
            for (; left >= 2; left -= 2) {
                const pair = take(11);
                add(LETTERS[Math.floor(pair / 45)] + LETTERS[pair % 45]);
            }
            if (left) add(LETTERS[take(6)]);
        } else if (mode === 1) {
            let left = take([10, 12][wide]);
            for (; left >= 3; left -= 3) add(String(take(10)).padStart(3, '0'));
            if (left) add(String(take(left === 2 ? 7 : 4)).padStart(left, '0'));
        } else throw new Error(`mode ${mode}`);
    }
    return Buffer.from(bytes).toString('utf8');
}
