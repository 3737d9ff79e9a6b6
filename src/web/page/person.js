// Somebody in full, and comparing digits with them.
import * as api from "./api.js";
import * as store from "./store.js";
import { h, put, say, avatar, name, line, icon } from "./dom.js";
import { ago, number, roundTrip, t, tn } from "./i18n.js";
import { complain, copy, dialog, reason, sure, toast } from "./dialog.js";
import { groups, presenceMark, privateMark, trustTag } from "./words.js";
import { qr } from "./qr.js";

/** Says the user's word about somebody; true once it is taken. */
export async function judge(peer, word) {
  try {
    const now = store.learn(await api.send("POST", "/api/judge", { who: peer.who, word }));
    toast(t(`judged.${word}`, { name: line(now.name) }), { kind: "good" });
    return true;
  } catch (error) {
    complain(error);
    return false;
  }
}

function fact(label, ...value) {
  return h("div.fact", h("dt", label), h("dd", value));
}

const current = (peer) => store.state.people.get(store.id(peer)) ?? peer;

function head(peer) {
  return h("div.person-card", avatar(peer, { size: 64 }),
    h("div.person-card-text",
      h("div.person-card-name", name(peer.name), trustTag(peer.trust)),
      peer.status && h("p.status", line(peer.status)),
      h("p.person-card-line.dim", presenceMark(peer.presence), privateMark(peer),
        peer.muted && h("span.tag", icon("mute"), t("muted.word")),
        peer.blocked && h("span.tag", icon("block"), t("blocked.word")))));
}

const heardText = (peer) => (peer.heardAt === undefined ? "" : ago(store.heardFor(peer)));

function facts(peer, known) {
  const trip = h("span", peer.round_trip_us === undefined ? t("person.not-measured") : roundTrip(peer.round_trip_us));
  const measure = peer.presence !== "away" && h("button", {
    class: "button small",
    onclick: async () => {
      measure.disabled = true;
      try {
        const answered = store.learn(await api.send("POST", "/api/probe", { who: peer.who }));
        put(trip, answered.round_trip_us === undefined ? t("person.not-measured") : roundTrip(answered.round_trip_us));
      } catch (error) {
        put(trip, h("span.error-text", error.status === 504 ? t("person.no-answer") : reason(error)));
      }
      measure.disabled = false;
    },
  }, t("person.measure"));
  const ways = (peer.ways ?? []).map((way) => t(`way.${way}`)).join(", ");
  const paths = known?.paths ?? (peer.address ? [{ address: peer.address, proven: peer.presence === "live", interface: peer.interface }] : []);
  return h("dl.facts",
    fact(t("person.id"), h("bdi.mono", line(peer.id))),
    known?.fingerprint && fact(t("person.fingerprint"), h("span.mono", groups(known.fingerprint, 4))),
    !peer.key && fact(t("person.key"), t("person.no-key")),
    peer.heardAt !== undefined && fact(t("person.heard"), h("span.fact-heard", heardText(peer)), ways && ` (${ways})`),
    peer.presence !== "away" && fact(t("person.trip"), h("span.fact-line", trip, measure)),
    paths.length > 0 && fact(t("person.paths"), h("ul", paths.map((path) => h("li", h("bdi.mono", line(path.address)), " ",
      h("span.dim", [t(path.proven ? "path.proven" : "path.heard"), path.interface && line(path.interface)].filter(Boolean).join(", ")))))));
}

/** The dialog about somebody. */
export function about(peer) {
  const place = h("div.about");
  const shown = dialog({ title: t("person.title"), body: [place] });
  let known = null;
  const ends = [];
  shown.closed.then(() => ends.forEach((end) => end()));
  const act = (word) => async () => { await judge(current(peer), word); };

  let drawn = "";
  function draw(force) {
    const now = current(peer);
    const heard = place.querySelector(".fact-heard");
    if (heard) say(heard, heardText(now));
    const looks = JSON.stringify({ ...now, heard: 0, heardAt: 0 });
    if (looks === drawn && !force) return;
    drawn = looks;
    const before = [...place.querySelectorAll("a, button, summary")].indexOf(document.activeElement);
    const open = place.querySelector("details")?.open ?? false;
    const action = (label, run, kind = "", sign) => h("button", { class: `button ${kind}`, onclick: run }, sign && icon(sign, { size: 18 }), label);
    put(place, head(now),
      h("div.row-actions",
        !now.blocked && h("a.button.main", { href: `#${store.talkPath(now)}`, onclick: () => shown.close() },
          icon("talk", { size: 18 }), t("person.write")),
        now.key && action(t(now.trust === "verified" ? "person.compare-again" : "person.compare"), () => compare(now), "", "verified"),
        now.muted ? action(t("person.unmute"), act("unmute")) : action(t("person.mute"), act("mute")),
        now.blocked ? action(t("person.unblock"), act("unblock"))
          : action(t("person.block"), async () => {
            const title = t("block.title", { name: line(now.name) });
            if (await sure({ title, text: t("block.text"), yes: t("person.block"), danger: true })) await act("block")();
          }, "danger")),
      facts(now, known),
      known?.link && h("details.share", { open }, h("summary", t("person.share")),
        h("p.dim.small-text", t("person.share-text")),
        known.qr?.length > 0 && qr(known.qr, t("qr.label", { name: line(now.name) })),
        h("div.command", h("code", { dir: "ltr", class: "link-text" }, known.link),
          h("button.button.icon-only", { "aria-label": t("copy.link"), onclick: () => copy(known.link) }, icon("copy")))));
    if (before >= 0) place.querySelectorAll("a, button, summary")[before]?.focus();
  }

  draw();
  const ticking = setInterval(() => draw(), 1_000);
  ends.push(() => clearInterval(ticking), store.subscribe("people", () => draw()));
  api.get("/api/about", { who: peer.who }).then((answer) => { known = answer; draw(true); }, complain);
  return shown;
}

/** The dialog in which digits are compared: the only way to know that nobody stands between. */
export async function compare(peer) {
  const now = current(peer);
  const changed = now.trust === "new key";
  const place = h("div.compare", { "aria-live": "polite" }, h("p.dim", t("compare.reading")));
  const title = t(changed ? "compare.new-key" : "compare.title", { name: line(now.name) });
  const shown = dialog({ title, body: [place], role: changed ? "alertdialog" : undefined });

  const same = async () => { if (await judge(current(peer), "verify")) shown.close(); };
  const trust = async () => {
    if (!await sure({ title: t("trust.sure", { name: line(now.name) }), text: t("trust.text"), yes: t("compare.trust") })) return;
    if (await judge(current(peer), "trust")) shown.close();
  };
  const block = async () => { if (await judge(current(peer), "block")) shown.close(); };

  function differ() {
    put(place,
      h("div.notice-box.bad", { role: "alert" }, icon("new-key"),
        h("div", h("h3", { tabindex: -1 }, t("differ.title")), h("p", t("differ.text")))),
      h("ol.advice", [1, 2, 3].map((step) => h("li", tn(`differ.${step}`, { name: name(now.name) })))),
      h("div.row-actions",
        h("button.button", { onclick: () => draw() }, t("differ.again")),
        h("button.button.danger", { onclick: block }, t("person.block"))));
    place.querySelector("h3").focus();
  }

  let digits;
  function draw() {
    put(place,
      changed && h("div.notice-box.bad", icon("new-key"), h("p", t("new-key.text"))),
      h("p", tn("compare.text", { name: name(now.name) })),
      h("div.digits.mono", { dir: "ltr", role: "group", "aria-label": t("compare.digits") }, digits.split(/\s+/).map((group) => h("span", group))),
      h("div.row-actions.spread",
        h("button.button.main", { onclick: same }, icon("check", { size: 18 }), t("compare.same")),
        h("button.button.danger", { onclick: differ }, t("compare.differ")),
        changed && h("button.button.plain", { onclick: trust }, t("compare.trust"))),
      h("p.dim.small-text", t("compare.hint", { n: number(12) })));
  }

  try {
    const known = await api.get("/api/about", { who: now.who });
    digits = known.digits;
    if (!digits) throw new api.ApiError(400, { message: t("person.no-key") });
    draw();
  } catch (error) {
    put(place, h("p.error-text", reason(error)),
      changed && h("div.row-actions",
        h("button.button", { onclick: trust }, t("compare.trust")),
        h("button.button.danger", { onclick: block }, t("person.block"))));
  }
  return shown;
}
