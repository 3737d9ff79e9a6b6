// Ourselves: what others see of us, who is blocked or muted, and the settings.
import * as api from "./api.js";
import * as store from "./store.js";
import { h, put, avatar, setAvatar, name, line, icon } from "./dom.js";
import { languages, choose, current, t, tn } from "./i18n.js";
import { complain, copy, reason, sure, toast } from "./dialog.js";
import { groups } from "./words.js";
import { judge } from "./person.js";
import { qr } from "./qr.js";
import { settings } from "./settings.js";
import * as keys from "./keys.js";
import * as notify from "./notify.js";

export const title = "nav.me";

const NAME = 32;

function card(label, ...inside) {
  const id = `me-${label}`;
  return h("section", { class: `card me-${label}`, "aria-labelledby": id }, h("h2", { id }, t(`me.${label}`)), inside);
}

/** A field that is saved when it is left, or by Enter: browsers tell both as a change. */
function saved(key, label, value, hint, maximum) {
  const told = h("p.error-text", { id: `me-${key}-wrong`, role: "alert" });
  const field = h("input.input", {
    id: `me-field-${key}`, value, maxlength: maximum, dir: "auto", autocomplete: "off",
    "aria-describedby": `me-${key}-hint me-${key}-wrong`,
  });
  let before = value;
  let busy = null;
  async function save() {
    await busy?.catch(() => {});
    const now = field.value.trim();
    if (now === before) return;
    try {
      busy = api.send("PATCH", "/api/profile", { [key]: now });
      const profile = await busy;
      before = now;
      store.learnProfile(profile);
      put(told);
      field.removeAttribute("aria-invalid");
      profile.not_kept ? toast(t("me.not-kept", { why: profile.not_kept }), { kind: "bad" }) : toast(t("me.saved"), { kind: "good" });
    } catch (error) {
      put(told, reason(error));
      field.setAttribute("aria-invalid", "true");
    }
    busy = null;
  }
  field.addEventListener("change", save);
  return {
    field,
    row: h("div.field", h("label", { htmlFor: `me-field-${key}` }, label), field, h("p.dim.small-text", { id: `me-${key}-hint` }, hint), told),
    set(fresh) { if (document.activeElement !== field && before !== fresh) { before = fresh; field.value = fresh; } },
  };
}

const pictureIn = (data) => [...(data?.files ?? [])].find((one) => one.type.startsWith("image/"));

function profile(ends) {
  const face = avatar(store.state.me ?? { id: "", name: "" }, { size: 96 });
  const me = () => store.state.me ?? { id: "", name: "" };
  const called = saved("name", t("me.name"), me().chosen ?? "", t("me.name-hint"), NAME);
  const status = saved("status", t("me.status"), me().status ?? "", t("me.status-hint"), 140);
  const file = h("input.away", {
    type: "file", accept: "image/*", tabindex: -1, "aria-hidden": "true",
    onchange: () => { take(file.files[0]); file.value = ""; },
  });
  const remove = h("button.button.plain", { onclick: async () => {
    try {
      store.learnProfile(await api.send("DELETE", "/api/avatar"));
      toast(t("avatar.removed"), { kind: "good" });
    } catch (error) { complain(error); }
  } }, t("avatar.remove"));
  const drop = h("div.drop", face,
    h("div.drop-text",
      h("div.row-actions", h("button.button", { onclick: () => file.click() }, t("avatar.choose")), remove),
      h("p.dim.small-text", t("avatar.hint"))), file);
  async function take(picked) {
    if (!picked) return;
    const { crop } = await import("./crop.js");
    await crop(picked);
  }
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(pictureIn(event.dataTransfer));
  });
  const paste = (event) => {
    const picked = pictureIn(event.clipboardData);
    if (picked && !document.querySelector("dialog[open]")) { event.preventDefault(); take(picked); }
  };
  addEventListener("paste", paste);
  const show = () => {
    setAvatar(face, me());
    called.set(me().chosen ?? "");
    called.field.placeholder = me().id.slice(0, me().id.lastIndexOf("@"));
    status.set(me().status ?? "");
    remove.hidden = !me().avatar;
  };
  show();
  ends.push(store.subscribe("me", show), () => removeEventListener("paste", paste));
  return card("profile", drop, called.row, status.row);
}

function identity(ends) {
  const place = h("div.me-link", h("p.dim", t("compare.reading")));
  const show = (own) => put(place,
    h("dl.facts",
      h("div.fact", h("dt", t("person.id")), h("dd", h("bdi.mono", line(store.state.me?.id ?? "")))),
      own.fingerprint && h("div.fact", h("dt", t("person.fingerprint")), h("dd.mono", groups(own.fingerprint, 4))),
      own.paths.length > 0 && h("div.fact", h("dt", t("person.paths")),
        h("dd.mono", own.paths.map((path) => h("div", h("bdi", line(path.address))))))),
    h("div.me-share",
      own.qr.length > 0 && qr(own.qr, t("qr.label", { name: line(store.state.me?.name ?? "") })),
      h("div.me-share-text", h("p", t("me.share")),
        h("div.command", h("code", { dir: "ltr", class: "link-text" }, own.link),
          h("button.button.icon-only", { "aria-label": t("copy.link"), onclick: () => copy(own.link) }, icon("copy"))))));
  let known = "";
  const read = () => {
    // The link names us, so it is another one under another name or at another address.
    const now = `${store.state.me?.id} ${store.state.me?.name}`;
    if (now === known) return;
    known = now;
    api.get("/api/about").then(show, (error) => put(place, h("p.error-text", reason(error))));
  };
  read();
  ends.push(store.subscribe("me", read));
  return card("identity", place);
}

function judged(ends) {
  const place = h("div.judged");
  const both = () => [...store.state.people.values()].filter((peer) => peer.blocked || peer.muted);
  const undo = { blocked: "unblock", muted: "unmute" };
  const row = (peer, state) => h("li", avatar(peer, { size: 32 }), h("span.judged-name", name(peer.name), h("bdi.dim.small-text", line(peer.who))),
    h("span.tag", icon(state === "blocked" ? "block" : "mute", { size: 15 }), t(`${state}.word`)),
    h("button.button.small", { onclick: () => judge(peer, undo[state]) }, t(`person.${undo[state]}`), h("span.away", ` ${line(peer.name)}`)));
  const show = () => {
    const all = both();
    const rows = [...all.filter((peer) => peer.blocked), ...all.filter((peer) => !peer.blocked)]
      .map((peer) => row(peer, peer.blocked ? "blocked" : "muted"));
    put(place, rows.length ? h("ul.judged-list", rows) : h("p.dim", t("me.nobody-judged")));
  };
  let told = "";
  const ifOther = () => {
    const now = both().map((peer) => `${store.id(peer)}${peer.blocked}${peer.name}`).join();
    if (now !== told) { told = now; show(); }
  };
  show();
  ifOther();
  ends.push(store.subscribe("people", ifOther));
  return card("judged", place);
}

function switched(label, hint, on, change) {
  const box = h("input", { type: "checkbox", role: "switch", checked: on });
  box.addEventListener("change", async () => { box.checked = await change(box.checked); });
  return h("div", h("label.switch", box, h("span", label)), hint && h("p.dim.small-text", hint));
}

function browser() {
  const kept = (() => { try { return localStorage.getItem("peer.theme") ?? "auto"; } catch { return "auto"; } })();
  const theme = h("select.input", { id: "me-theme" },
    ["auto", "light", "dark"].map((one) => h("option", { value: one, selected: one === kept }, t(`theme.${one}`))));
  theme.addEventListener("change", () => {
    const auto = theme.value === "auto";
    auto ? delete document.documentElement.dataset.theme : (document.documentElement.dataset.theme = theme.value);
    try { auto ? localStorage.removeItem("peer.theme") : localStorage.setItem("peer.theme", theme.value); } catch { /* until the page is closed */ }
  });
  const language = h("select.input", { id: "me-language" },
    Object.entries(languages).map(([one, word]) => h("option", { value: one, lang: one, selected: one === current() }, word)));
  language.addEventListener("change", async () => {
    try {
      await choose(language.value);
      await (await import("./app.js")).draw();
      document.getElementById("me-language")?.focus();
    } catch (error) { complain(error); }
  });
  const leave = async () => {
    if (!await sure({ title: t("leave.title"), text: t("leave.text"), yes: t("me.leave"), danger: true })) return;
    await api.leave().catch(() => {});
  };
  return card("browser",
    h("div.pair",
      h("div.field", h("label", { htmlFor: "me-language" }, t("me.language")), language),
      h("div.field", h("label", { htmlFor: "me-theme" }, t("me.theme")), theme)),
    switched(t("me.notify"), t(notify.refused() ? "me.notify-refused" : "me.notify-hint"), notify.enabled(), notify.enable),
    switched(t("me.keys"), null, keys.enabled(), (on) => { keys.enable(on); return on; }),
    h("div.row-actions", h("button.button", { onclick: leave }, icon("out", { size: 18 }), t("me.leave"))));
}

function program() {
  const stop = async () => {
    if (!await sure({ title: t("stop.title"), text: t("stop.text"), yes: t("stop.yes"), danger: true })) return;
    try { await api.send("POST", "/api/stop"); } catch (error) { complain(error); }
  };
  return h("p.dim.small-text.me-foot", tn("me.version", { version: store.state.me?.version ?? "" }), " ",
    h("button.button.plain.small", { onclick: stop }, t("stop.button")));
}

export function mount(root) {
  const ends = [];
  put(root, h("div.me-page",
    h("h1", { tabindex: -1 }, t("nav.me")),
    h("div.me-grid",
      h("div.me-column", profile(ends), judged(ends), browser()),
      h("div.me-column", identity(ends), settings())),
    program()));
  return { unmount() { ends.forEach((end) => end()); root.replaceChildren(); } };
}

