// How a person is shown everywhere: trust, presence, privacy, each by a sign and a word.
import { h, put, icon } from "./dom.js";
import { presenceSign } from "./icons.js";
import { t } from "./i18n.js";

/** The trust word; a known key has none. */
export function trustTag(trust) {
  const kind = trust.replace(" ", "-");
  if (!["verified", "new-key", "unverified"].includes(kind)) return null;
  return h("span", { class: `tag ${kind}` }, icon(kind, { size: 15 }), t(`trust.${kind}`));
}

/** The word of presence with its sign. */
export function presenceMark(presence) {
  return h("span", { class: `presence ${presence}` }, presenceSign(presence), h("span", t(`presence.${presence}`)));
}

/** Whether others can read what is said to somebody. */
export function privateMark(peer) {
  if (peer.private) return h("span.private-mark", { title: t("private.yes") }, icon("private", { size: 15 }), h("span", t("private.word")));
  return h("span.private-mark.not", { title: t("private.no") }, icon("unverified", { size: 15 }), h("span", t("private.not")));
}

/** Groups of a fingerprint or of digits, to be read to each other. */
export function groups(text, size) {
  const parts = text.includes(" ") ? text.split(/\s+/) : text.match(new RegExp(`.{1,${size}}`, "g")) ?? [];
  return h("span.groups", { dir: "ltr" }, parts.map((part, at) => [at > 0 && " ", h("span", part)]));
}

/** Puts one node in place of another's content where the key says that it is another one. */
export function swap(place, key, make) {
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  put(place, make());
}
