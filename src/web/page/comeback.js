// The key of this browser, by which the page comes back after the peer started anew. It can be used here, and read by nobody.

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const PLACE = "page";

/** One request to the storage for what is no text. */
function stored(mode, deed) {
  return new Promise((done, failed) => {
    const opening = indexedDB.open("peer", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
    opening.onerror = () => failed(opening.error);
    opening.onsuccess = () => {
      const base = opening.result;
      const asked = deed(base.transaction("keys", mode).objectStore("keys"));
      asked.onsuccess = () => { base.close(); done(asked.result); };
      asked.onerror = () => { base.close(); failed(asked.error); };
    };
  });
}

const written = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const kept = () => stored("readonly", (keys) => keys.get(PLACE));

/** The public key, which is made at first; undefined in a browser that keeps none. */
export async function key() {
  try {
    const found = await kept();
    if (found) return found.key;
    const pair = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
    const made = { key: written(await crypto.subtle.exportKey("raw", pair.publicKey)), secret: pair.privateKey };
    await stored("readwrite", (keys) => keys.put(made, PLACE));
    return made.key;
  } catch { return undefined; }
}

/** What lets this browser in again at this start of the peer; undefined where it was never in. */
export async function proof(start) {
  try {
    const found = await kept();
    if (!found) return undefined;
    // The address is signed, too: whoever has it while no peer runs cannot use this at another one.
    const said = new TextEncoder().encode(`peer page\n${location.host}\n${start}`);
    return { key: found.key, proof: written(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, found.secret, said)) };
  } catch { return undefined; }
}

/** Makes the key worth nothing. */
export async function forget() {
  try { await stored("readwrite", (keys) => keys.delete(PLACE)); } catch { /* there is none */ }
}
