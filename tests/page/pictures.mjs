// Pictures for the tests, made here so that none has to be kept.
import zlib from 'node:zlib';

/** A PNG of rings in a colour. */
export function picture(size, hue) {
    const rows = [];
    for (let y = 0; y < size; y += 1) {
        const row = [0];
        for (let x = 0; x < size; x += 1) {
            const far = Math.hypot(x - size / 2, y - size / 2) / size;
            const light = Math.floor(far * 8) % 2 ? 0.55 : 0.8 - far / 3;
            row.push(...rgb((hue + far * 60) % 360, light));
        }
        rows.push(Buffer.from(row));
    }
    return png(size, size, Buffer.concat(rows));
}

/** A large PNG that does not become small by itself. */
export function noise(size) {
    const bytes = Buffer.alloc(size * (size * 3 + 1));
    let state = 1;
    for (let at = 0; at < bytes.length; at += 1) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        bytes[at] = at % (size * 3 + 1) === 0 ? 0 : state >>> 24;
    }
    return png(size, size, bytes);
}

function rgb(hue, light) {
    const part = (n) => {
        const k = (n + hue / 30) % 12;
        return Math.round(255 * (light - 0.6 * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
    };
    return [part(0), part(8), part(4)];
}

function png(width, height, raw) {
    const head = Buffer.alloc(13);
    head.writeUInt32BE(width, 0);
    head.writeUInt32BE(height, 4);
    head.set([8, 2, 0, 0, 0], 8);
    const parts = [['IHDR', head], ['IDAT', zlib.deflateSync(raw)], ['IEND', Buffer.alloc(0)]].map(([name, data]) => {
        const chunk = Buffer.alloc(12 + data.length);
        chunk.writeUInt32BE(data.length, 0);
        chunk.write(name, 4, 'latin1');
        data.copy(chunk, 8);
        chunk.writeUInt32BE(crc(chunk.subarray(4, 8 + data.length)), 8 + data.length);
        return chunk;
    });
    return Buffer.concat([Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]), ...parts]);
}

function crc(bytes) {
    let sum = 0xffff_ffff;
    for (const byte of bytes) {
        sum ^= byte;
        for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb8_8320 : sum >>> 1;
    }
    return (sum ^ 0xffff_ffff) >>> 0;
}
