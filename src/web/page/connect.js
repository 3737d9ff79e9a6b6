// Adding somebody by a link or an address. A link is a hint: nothing is trusted by it, and it is asked about first.
import * as api from "./api.js";
import * as store from "./store.js";
import { h, put, avatar, name, line, icon } from "./dom.js";
import { t, tn } from "./i18n.js";
import { dialog, reason } from "./dialog.js";
import { groups, trustTag } from "./words.js";
import { fingerprint, parse } from "./link.js";

function open(peer) {
  location.hash = `#${store.talkPath(peer)}`;
}

/** Who may be meant, or answers instead: each opens with a press. */
function people(shown, all) {
  const go = (peer) => { shown.close(); open(store.learn(peer)); };
  return h("ul.plain-list", all.map((peer) => h("li", h("button.button", { onclick: () => go(peer) },
    name(peer.name), trustTag(peer.trust), h("bdi.dim.mono", line(peer.who))))));
}

/** Tries to reach what was asked for, in a dialog that is already open. */
async function reach(shown, place, to, wanted) {
  put(place, h("p.busy", { role: "status" }, tn("reach.trying", { to: h("bdi.mono", wanted?.name ? line(wanted.name) : line(to).slice(0, 80)) })));
  let reached;
  try {
    reached = await api.send("POST", "/api/reach", { to });
  } catch (error) {
    put(place, h("div.notice-box.bad", { role: "alert" }, icon("warn"), h("p", { dir: "auto" }, reason(error))),
      error.candidates?.length > 0 && people(shown, error.candidates),
      h("div.row-actions", h("button.button", { onclick: () => { shown.close(); add(to); } }, t("reach.change"))));
    return;
  }
  if (reached.peer) {
    const peer = store.learn(reached.peer);
    shown.close();
    open(peer);
    return;
  }
  put(place,
    reached.others?.length > 0 && [
      h("div.notice-box.bad", { role: "alert" }, icon("new-key"), h("p", t("reach.others"))), people(shown, reached.others)],
    h("p", t(reached.others?.length > 0 ? "reach.not-yet" : "reach.nobody")),
    h("ul.plain-list.mono", reached.tried.map((address) => h("li", h("bdi", line(address))))),
    h("p.dim", t("reach.waits")),
    h("div.row-actions", h("button.button", { onclick: () => reach(shown, place, to, wanted) }, t("reach.again"))));
  if (!wanted?.key) return;
  // It may come later: then the conversation opens, if the dialog is still there.
  const end = store.subscribe("people", () => {
    const peer = store.state.people.get(wanted.key);
    if (!peer || peer.presence === "away") return;
    end();
    shown.close();
    open(peer);
  });
  shown.closed.then(end);
}

/** Asks for a link or an address; `problem` is what is wrong with the one that was given. */
export function add(given = "", problem = "") {
  const wrong = h("p.error-text", { id: "add-wrong", role: "alert" }, problem);
  const field = h("input.input", {
    id: "add-to", value: given, dir: "ltr", autocomplete: "off", spellcheck: false, maxlength: 600,
    placeholder: "peer://connect/…   192.168.7.20", "aria-describedby": "add-wrong add-hint",
  });
  const place = h("form", {
    class: "add",
    onsubmit: (event) => {
      event.preventDefault();
      const to = field.value.trim();
      put(wrong);
      if (!to) return;
      if (/^peer:/i.test(to)) {
        if (!parse(to)) { put(wrong, t("add.wrong")); field.setAttribute("aria-invalid", "true"); return; }
        shown.close();
        ask(to);
        return;
      }
      reach(shown, place, to);
    },
  },
  h("div.field", h("label", { htmlFor: "add-to" }, t("add.label")), field),
  h("p.dim.small-text", { id: "add-hint" }, t("add.hint")), wrong,
  h("div.row-actions.end", h("button", { type: "submit", class: "button main" }, t("add.go"))));
  const shown = dialog({ title: t("people.add"), body: [place] });
  field.focus();
  field.select();
}

/** Asks whether the one of a link is to be added, and opens the conversation then. */
export function ask(text) {
  const wanted = parse(text);
  if (!wanted) { add(text, t("add.wrong")); return; }
  const known = store.state.people.get(wanted.key ?? wanted.id);
  const person = known ?? { name: wanted.name || wanted.id || t("connect.somebody"), key: wanted.key, id: wanted.id ?? "" };
  const place = h("div.connect");
  const shown = dialog({ title: t("connect.title"), body: [place] });
  const go = () => {
    if (known && !known.blocked && known.presence !== "away") { shown.close(); open(known); return; }
    reach(shown, place, text, wanted);
  };
  put(place,
    h("div.person-card", avatar(person, { size: 56 }),
      h("div.person-card-text", h("div.person-card-name", name(person.name), known && trustTag(known.trust)),
        h("p.dim", t(known ? "connect.known" : "connect.claimed")))),
    h("dl.facts",
      wanted.key && h("div.fact", h("dt", t("person.fingerprint")), h("dd.mono", groups(fingerprint(wanted.key), 4))),
      wanted.id && h("div.fact", h("dt", t("person.id")), h("dd.mono", h("bdi", line(wanted.id)))),
      wanted.at.length > 0 && h("div.fact", h("dt", t("person.paths")), h("dd.mono", h("bdi", wanted.at.join(", "))))),
    !known && h("p.dim", t("connect.text")),
    h("div.row-actions.end",
      h("button.button", { onclick: () => shown.close() }, t("dialog.cancel")),
      h("button.button.main", { onclick: go }, t(known ? "connect.open" : "connect.add"))));
}

let followed = "";

/** The link in the address of the page: it is taken out of it, so that a reload does not ask again. */
export async function follow(text) {
  if (followed === text) return;
  followed = text;
  history.replaceState(null, "", "#/people");
  await store.loadPeople().catch(() => {});
  followed = "";
  ask(text);
}
