// One row of the list of people: made once, then changed in place.
import * as store from "./store.js";
import { h, say, avatar, setAvatar, line, icon } from "./dom.js";
import { presenceSign, setPresence } from "./icons.js";
import { ago, number, roundTrip, t } from "./i18n.js";
import { privateMark, swap, trustTag } from "./words.js";

/** Lines of somebody's that nobody has read. */
export const unread = (peer) => store.state.conversations.get(store.id(peer))?.unread ?? 0;

/** The row of somebody, with its parts by name; it shows nothing until it is updated. */
export function makeRow(peer) {
  const row = h("li.person",
    h("a.person-main", { tabindex: -1 },
      avatar(peer, { size: 40 }),
      h("span.person-who",
        h("span.person-name", h("bdi.name"), h("span.slot"), h("span.slot")),
        h("span.person-status")),
      h("span.person-facts",
        h("span.presence", presenceSign("away"), h("span")),
        h("span.person-trip"),
        h("span.person-heard")),
      h("span.person-unread")),
    h("button.button.icon-only", { tabindex: -1 }, icon("more")));
  const [main, button] = row.children;
  const [face, text, facts, count] = main.children;
  const [called, status] = text.children;
  const [name, trust, lock] = called.children;
  const [presence, trip, heard] = facts.children;
  const parts = { main, button, face, name, trust, lock, status, presence, trip, heard, count };
  return { row, parts, peer };
}

/** Makes a row show somebody, and touches nothing that is right already. */
export function updateRow(made, peer) {
  const { row, parts } = made;
  made.peer = peer;
  setAvatar(parts.face, peer);
  say(parts.name, line(peer.name));
  swap(parts.trust, peer.trust, () => trustTag(peer.trust));
  swap(parts.lock, `${peer.private} ${peer.muted}`, () => [
    (peer.private || peer.trust !== "unverified") && privateMark(peer),
    peer.muted && h("span.tag", icon("mute", { size: 15 }), h("span.wide", t("muted.word"))),
  ]);
  say(parts.status, line(peer.status ?? ""));
  parts.presence.className = `presence ${peer.presence}`;
  setPresence(parts.presence.firstElementChild, peer.presence);
  say(parts.presence.lastElementChild, t(`presence.${peer.presence}`));
  say(parts.trip, peer.round_trip_us === undefined || peer.presence === "away" ? "" : roundTrip(peer.round_trip_us));
  tick(made);
  const waiting = unread(peer);
  swap(parts.count, String(waiting), () => waiting > 0 && h("span.count", number(waiting), h("span.away", ` ${t("nav.unread")}`)));
  const target = `#${store.talkPath(peer)}`;
  if (parts.main.getAttribute("href") !== target) parts.main.setAttribute("href", target);
  const label = t("people.about", { name: line(peer.name) });
  if (parts.button.getAttribute("aria-label") !== label) parts.button.setAttribute("aria-label", label);
  row.classList.toggle("faded", peer.presence === "away" || peer.blocked);
  row.classList.toggle("alarmed", peer.trust === "new key" && !peer.blocked);
}

/** Tells when somebody was last heard, as of now. */
export function tick({ parts, peer }) {
  say(parts.heard, peer.heardAt === undefined ? "" : ago(store.heardFor(peer)));
}
