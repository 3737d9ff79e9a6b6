// Links `peer://connect/...` as they are pasted or come with the address, and the fingerprint of the key in one.

const KEY = /^[A-Za-z0-9_-]{43}$/;
const ADDRESS = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/;

/** { key or id, name, at } of a link; none of anything else. */
export function parse(text) {
  if (text.length > 512 || !/^peer:\/\/connect\//i.test(text)) return null;
  const [path, query = ""] = text.slice(text.indexOf("/connect/") + 9).split("?", 2);
  let who;
  try { who = decodeURIComponent(path.replace(/\/$/, "")); } catch { return null; }
  const asked = new URLSearchParams(query);
  const at = asked.getAll("at");
  if (!who || at.length > 4 || !at.every((one) => ADDRESS.test(one))) return null;
  return { ...(KEY.test(who) ? { key: who } : { id: who }), name: asked.get("name") ?? "", at };
}

const START = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
const MIX = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
const LANES = [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15], [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]];
const CONTEXT = 32;
const MATERIAL = 64;
/** One block that is the first, the last and the root. */
const WHOLE = 1 | 2 | 8;

/** BLAKE3 of at most 64 bytes. */
function blake3(bytes, key, flags) {
  const block = new Uint8Array(64);
  block.set(bytes);
  const view = new DataView(block.buffer);
  let words = Array.from({ length: 16 }, (_, at) => view.getUint32(at * 4, true));
  const v = Uint32Array.from([...key, ...START.slice(0, 4), 0, 0, bytes.length, flags | WHOLE]);
  const turn = (value, by) => (value >>> by) | (value << (32 - by));
  for (let round = 0; round < 7; round += 1) {
    LANES.forEach(([a, b, c, d], at) => {
      v[a] += v[b] + words[at * 2]; v[d] = turn(v[d] ^ v[a], 16);
      v[c] += v[d]; v[b] = turn(v[b] ^ v[c], 12);
      v[a] += v[b] + words[at * 2 + 1]; v[d] = turn(v[d] ^ v[a], 8);
      v[c] += v[d]; v[b] = turn(v[b] ^ v[c], 7);
    });
    words = MIX.map((from) => words[from]);
  }
  return Uint32Array.from({ length: 8 }, (_, at) => v[at] ^ v[at + 8]);
}

/** The fingerprint of a key in base64url, as hex digits: 128 bits. */
export function fingerprint(key) {
  const bytes = Uint8Array.from(atob(key.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const context = blake3(new TextEncoder().encode("lsnp 1 fingerprint"), START, CONTEXT);
  const hash = blake3(bytes, context, MATERIAL);
  return [...new Uint8Array(hash.buffer, 0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
