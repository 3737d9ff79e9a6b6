// Elements are made here and nowhere else. Text becomes text nodes only, whatever it holds.
import { icon } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "vars") for (const [name, text] of Object.entries(value)) element.style.setProperty(`--${name}`, text);
    else if (key in element && (typeof value !== "string" || key === "value" || key === "htmlFor")) element[key] = value;
    else element.setAttribute(key === "className" ? "class" : key, value === true ? "" : String(value));
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children) {
    if (child === undefined || child === null || child === false) continue;
    if (Array.isArray(child)) add(element, child);
    else element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/**
 * An element: `h("p.dim.small", { onclick: f, data: { id: 1 }, vars: { hue: 3 } }, "text", node, [more])`. What is no plain
 * object after its name is a child already. A button is one that does nothing by itself.
 */
export function h(selector, attributes, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag);
  if (tag === "button") element.type = "button";
  if (classes.length > 0) element.className = classes.join(" ");
  if (attributes?.constructor === Object) return fill(element, attributes, children);
  return fill(element, {}, [attributes, ...children]);
}

/** The same in SVG. */
export function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, String(value));
  }
  add(element, children);
  return element;
}

/** Puts these in place of all that is in an element. */
export function put(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** Sets the text of an element where it is another one, so that nothing is laid out in vain. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const GONE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\u115f\u1160\u3164\uffa0\ufe00-\ufe0e\u{e0100}-\u{e01ef}]/u;
const PICTURE = /[\p{Extended_Pictographic}\p{Emoji_Component}]/u;
const MARK = /\p{M}/u;
const PLAIN = /^[\n\t\x20-\x7e]*$/;

/** Text with nothing in it that is unseen or turns the order of what is seen: as the prompt shows it. */
export function clean(text) {
  const lines = String(text).replace(/\r\n/g, "\n");
  if (PLAIN.test(lines)) return lines;
  let out = "";
  let marks = 0;
  let last = "";
  const all = [...lines.normalize("NFC").replace(/[\r\u0085\u2028\u2029]/g, " ")];
  for (let at = 0; at < all.length; at += 1) {
    const one = all[at];
    if (one === "\n" || one === "\t") { /* kept */ }
    else if (one === "\ufe0f") { if (!PICTURE.test(last)) continue; }
    else if (one === "\u200d") {
      if (!(last === "\ufe0f" || (last > "\x7f" && PICTURE.test(last))) || !(all[at + 1] > "\x7f" && PICTURE.test(all[at + 1]))) continue;
    } else if (GONE.test(one)) continue;
    else if (MARK.test(one)) {
      marks += 1;
      if (marks > 4) continue;
      out += one;
      continue;
    }
    marks = 0;
    last = one;
    out += one;
  }
  return out;
}

/** The name of somebody, kept apart from the direction of what stands around it. */
export function name(text) {
  return h("bdi.name", line(text));
}

/** Text on one line. */
export function line(text) {
  return clean(text ?? "").replace(/\s+/g, " ");
}

const LINK = /https?:\/\/[^\s<>"'`\u0000-\u001f]+/giu;

function link(text) {
  let url;
  try { url = new URL(text); } catch { return null; }
  if (!/^https?:$/.test(url.protocol) || url.username || url.password) return null;
  return h("a", { href: url.href, rel: "noopener noreferrer", target: "_blank", title: url.href }, text);
}

/** The text of a message: nothing in it is interpreted, but web addresses can be followed. */
export function prose(text) {
  const shown = clean(text);
  const out = document.createDocumentFragment();
  let from = 0;
  for (const found of shown.matchAll(LINK)) {
    let address = found[0].replace(/[.,;:!?…،؛؟。、]+$/u, "");
    if (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1);
    const made = link(address);
    if (!made) continue;
    out.append(shown.slice(from, found.index), made);
    from = found.index + address.length;
  }
  out.append(shown.slice(from));
  return out;
}

/** A colour that belongs to a key or an id: 0 to 359. */
export function hue(text) {
  let sum = 7;
  for (const c of text ?? "") sum = (sum * 31 + c.codePointAt(0)) >>> 0;
  return (sum * 47) % 360;
}

const graphemes = globalThis.Intl?.Segmenter ? new Intl.Segmenter(undefined, { granularity: "grapheme" }) : null;

function first(word) {
  return graphemes ? graphemes.segment(word)[Symbol.iterator]().next().value?.segment ?? "" : [...word][0] ?? "";
}

function initials(text) {
  const words = line(text).split(/[\s._-]+/u).filter((word) => /[\p{L}\p{N}\p{So}]/u.test(word));
  if (words.length === 0) return "?";
  return (first(words[0]) + (words.length > 1 ? first(words[words.length - 1]) : "")).toLocaleUpperCase();
}

/** The picture of somebody, or the first letters of the name on a colour of the key. Says nothing to screen readers. */
export function avatar(peer, { size = 40 } = {}) {
  const made = h("span.avatar", { "aria-hidden": "true", vars: { size: `${size / 16}rem` } }, h("span.letters"));
  setAvatar(made, peer);
  return made;
}

/** Makes an avatar that is already shown that of somebody, and touches nothing that is right. */
export function setAvatar(made, peer) {
  const colour = String(hue(peer.key ?? peer.id));
  if (made.dataset.hue !== colour) {
    made.dataset.hue = colour;
    made.style.setProperty("--hue", colour);
  }
  say(made.firstElementChild, initials(peer.name));
  const picture = /^[0-9a-z]{1,80}$/.test(peer.picture ?? "") && !peer.blocked ? peer.picture : "";
  if ((made.dataset.picture ?? "") === picture) return;
  made.dataset.picture = picture;
  made.querySelector("img")?.remove();
  if (!picture) return;
  const gone = (event) => event.target.remove();
  made.append(h("img", { alt: "", loading: "lazy", decoding: "async", draggable: false, src: `/avatars/${picture}`, onerror: gone }));
}

export { icon };
