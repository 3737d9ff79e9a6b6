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

/** Tries to reach what was asked for, in a dialog that is already open. */
async function reach(shown, place, to, wanted) {
  put(place, h("p", { class: "busy", role: "status" }, tn("reach.trying", { to: h("bdi", { class: "mono" }, wanted?.name ? line(wanted.name) : line(to).slice(0, 80)) })));
  let reached;
  try {
    reached = await api.send("POST", "/api/reach", { to });
  } catch (error) {
    put(place, h("div", { class: "notice-box bad", role: "alert" }, icon("warn"), h("p", { dir: "auto" }, reason(error))),
      h("div", { class: "row-actions" }, h("button", { type: "button", class: "button", onclick: () => { shown.close(); add(to); } }, t("reach.change"))));
    return;
  }
  if (reached.peer) {
    const peer = store.learn(reached.peer);
    shown.close();
    open(peer);
    return;
  }
  put(place, h("p", {}, t("reach.nobody")),
    h("ul", { class: "plain-list mono" }, reached.tried.map((address) => h("li", {}, h("bdi", {}, line(address))))),
    h("p", { class: "dim" }, t("reach.waits")),
    h("div", { class: "row-actions" }, h("button", { type: "button", class: "button", onclick: () => reach(shown, place, to, wanted) }, t("reach.again"))));
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

/** Asks for a link or an address. */
export function add(given = "") {
  const wrong = h("p", { class: "error-text", id: "add-wrong", role: "alert" });
  const field = h("input", { class: "input", id: "add-to", value: given, dir: "ltr", autocomplete: "off", spellcheck: false, maxlength: 600, placeholder: "peer://connect/…   192.168.7.20", "aria-describedby": "add-wrong add-hint" });
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
  h("div", { class: "field" }, h("label", { htmlFor: "add-to" }, t("add.label")), field),
  h("p", { class: "dim small-text", id: "add-hint" }, t("add.hint")), wrong,
  h("div", { class: "row-actions end" }, h("button", { type: "submit", class: "button main" }, t("add.go"))));
  const shown = dialog({ title: t("people.add"), body: [place] });
  field.focus();
  field.select();
}

/** Asks whether the one of a link is to be added, and opens the conversation then. */
export function ask(text) {
  const wanted = parse(text);
  if (!wanted) { add(text); return; }
  const known = store.state.people.get(wanted.key ?? wanted.id);
  const person = known ?? { name: wanted.name || wanted.id || t("connect.somebody"), key: wanted.key, id: wanted.id ?? "" };
  const place = h("div", { class: "connect" });
  const shown = dialog({ title: t("connect.title"), body: [place] });
  const go = () => {
    if (known && !known.blocked && known.presence !== "away") { shown.close(); open(known); return; }
    reach(shown, place, text, wanted);
  };
  put(place,
    h("div", { class: "person-card" }, avatar(person, { size: 56 }),
      h("div", { class: "person-card-text" }, h("div", { class: "person-card-name" }, name(person.name), known && trustTag(known.trust)),
        h("p", { class: "dim" }, t(known ? "connect.known" : "connect.claimed")))),
    h("dl", { class: "facts" },
      wanted.key && h("div", { class: "fact" }, h("dt", {}, t("person.fingerprint")), h("dd", { class: "mono" }, groups(fingerprint(wanted.key), 4))),
      wanted.id && h("div", { class: "fact" }, h("dt", {}, t("person.id")), h("dd", { class: "mono" }, h("bdi", {}, line(wanted.id)))),
      wanted.at.length > 0 && h("div", { class: "fact" }, h("dt", {}, t("person.paths")), h("dd", { class: "mono" }, h("bdi", {}, wanted.at.join(", "))))),
    !known && h("p", { class: "dim" }, t("connect.text")),
    h("div", { class: "row-actions end" },
      h("button", { type: "button", class: "button", onclick: () => shown.close() }, t("dialog.cancel")),
      h("button", { type: "button", class: "button main", onclick: go }, t(known ? "connect.open" : "connect.add"))));
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
