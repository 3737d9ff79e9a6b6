// What is asked and told about a list in dialogs: who takes part, what was done, and leaving it.
import * as data from "./data.js";
import * as store from "./store.js";
import { avatar, h, icon, line, name, put } from "./dom.js";
import { complain, dialog, reason, sure, toast } from "./dialog.js";
import { has, moment, short, t, tn } from "./i18n.js";
import { trustTag } from "./words.js";

const LOGGED = 200;
const SHOWN = 100;

const quoted = (text) => h("bdi.name", line(text).slice(0, 120));

/** What was done, as a sentence. */
export function sentence(by, change) {
  const known = has(`list.did.${change.what}`) ? change.what : "changed";
  const vars = { who: data.who(by), text: quoted(change.text ?? ""), place: change.place ?? 0, whom: data.who(change.whom) };
  return h("span", tn(`list.did.${known}`, vars));
}

/** What was done to a list, the newest first. */
export async function log(list) {
  const place = h("div.list-log", h("p.dim", { role: "status" }, t("list.log.reads")));
  dialog({ title: t("list.log"), body: [place], wide: true });
  try {
    const entries = await data.log(list, LOGGED);
    put(place, entries.length === 0 ? h("p.dim", t("list.log.none")) : h("ol.log", entries.toReversed().map((entry) =>
      h("li", { class: entry.undone ? "log-entry undone" : "log-entry" },
        h("div.log-text", sentence(entry.by, entry.change), entry.undone && h("span.tag", t("list.log.undone")),
          entry.change.what === "returned" && h("p.dim.small-text", t("list.returned.why"))),
        h("time.dim.small-text", { dateTime: entry.at, title: moment(entry.at) }, short(entry.at))))));
  } catch (error) { put(place, h("p.error-text", { role: "alert" }, reason(error))); }
}

function person(one, ...more) {
  const known = store.state.people.get(store.id(one)) ?? one;
  const ours = data.ours(one);
  return h("li.member", avatar(ours ? store.state.me : known, { size: 32 }), h("span.member-name", data.who(one), !ours && known.trust && trustTag(known.trust)), more);
}

/** Who takes part. */
export function members(whole) {
  if (!whole) return;
  const { members: all, creator } = whole;
  const standing = { joined: 0, invited: 1, left: 2 };
  const sorted = [...all].sort((a, b) => standing[a.standing] - standing[b.standing] || b.edits - a.edits).slice(0, 256);
  dialog({
    title: t("list.members-of"),
    body: [
      h("ul.members", sorted.map((one) => person(one.who, h("span.member-facts",
        one.who.key === creator?.key && h("span.tag", t("list.creator")), one.standing !== "joined" && h("span.tag", t(`list.standing.${one.standing}`)),
        h("span.dim.small-text", t("list.edits", { n: one.edits })))))),
      h("p.dim.small-text", t(whole.open ? "list.open.text" : "list.closed.text")),
      whole.refused > 0 && h("p.small-text.refused", t("list.refused", { n: whole.refused })),
      whole.rebuilt > 0 && h("p.small-text.refused", t("list.rebuilt", { n: whole.rebuilt })),
    ],
  });
}

/** Asks whom to invite. */
export function invite(whole) {
  if (!whole) return;
  const members = new Map(whole.members.map((one) => [store.id(one.who), one.standing]));
  const found = h("ul.members");
  const field = h("input.input", { type: "search", "aria-label": t("people.search"), placeholder: t("people.search"), autocomplete: "off", maxlength: 100 });
  const none = h("p.dim", t("list.invite.none"));
  let open = whole.open;

  async function ask(to, key, button) {
    button.disabled = true;
    try {
      await data.invite(whole.id, to);
      members.set(key, "invited");
      draw();
      field.focus();
    } catch (error) {
      button.disabled = false;
      complain(error);
    }
  }

  function draw() {
    const words = field.value.trim().toLocaleLowerCase();
    const people = [...store.state.people.values()]
      .filter((one) => one.key && !one.blocked && !one.older && (!words || line(one.name).toLocaleLowerCase().includes(words) || one.who.includes(words)))
      .sort((a, b) => (a.presence === "away") - (b.presence === "away") || a.name.localeCompare(b.name)).slice(0, SHOWN);
    put(found, people.map((one) => {
      const standing = members.get(one.key);
      const button = h("button.button.small", { onclick: () => ask(one.who, one.key, button), "aria-label": t("list.invite.one", { name: line(one.name) }) }, t("list.invite.button"));
      return person(one, h("bdi.dim.small-text.mono", line(one.who)), standing && standing !== "left" ? h("span.tag", t(`list.standing.${standing}`)) : button);
    }));
    none.hidden = people.length > 0;
  }

  const everyone = h("button.button", { disabled: open, onclick: async () => {
    if (!await sure({ title: t("list.invite.all.title"), text: t("list.invite.all.text"), yes: t("list.invite.all") })) return;
    try {
      await data.invite(whole.id, null);
      open = true;
      everyone.disabled = true;
      toast(t("list.invite.all.done"), { kind: "good" });
    } catch (error) { complain(error); }
  } }, icon("people", { size: 18 }), t(open ? "list.open.already" : "list.invite.all"));
  field.addEventListener("input", draw);
  const shown = dialog({ title: tn("list.invite.title", { name: name(data.named(whole)) }), body: [h("div.search", icon("search", { size: 18 }), field), none, found, h("div.row-actions", everyone)] });
  shown.closed.then(store.subscribe("people", draw));
  draw();
}

/** Asks before a list is left. */
export async function leave(list) {
  if (!list) return;
  if (!await sure({ title: tn("list.leave.title", { name: name(data.named(list)) }), text: t("list.leave.text"), yes: t("list.leave"), danger: true })) return;
  try {
    await data.leave(list.id);
    location.hash = "#/shared/lists";
  } catch (error) { complain(error); }
}

