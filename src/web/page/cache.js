// The cache: what was found where, and how full it is.
import * as data from "./data.js";
import * as live from "./live.js";
import { h, icon, line, put, say } from "./dom.js";
import { complain, reason, sure, toast } from "./dialog.js";
import { bytes, number, t, time } from "./i18n.js";
import { swap } from "./words.js";

const BEAT = 2_000;
const NEWEST = 50;
const PLACES = ["hits", "peer_hits", "misses"];
const MORE = ["served", "evicted", "expired", "untrusted", "broken"];

/** Values that came in since the page was opened, the newest first. */
const came = [];

live.on("cache", (one) => {
  came.unshift({ ...one, came: Date.now() });
  came.length = Math.min(came.length, NEWEST);
});

export function mount(root) {
  let ended = false;
  let busy = false;
  const figures = Object.fromEntries([...PLACES, ...MORE].map((one) => [one, h("dd.figure", "–")]));
  const figure = (one) => h("div", { class: `cache-figure cache-${one}` }, h("dt", t(`cache.${one}`)), figures[one]);
  const bar = h("div.cache-bar", { "aria-hidden": "true" }, PLACES.map((one) => h("span", { class: `cache-part cache-${one}` })));
  const share = h("p.dim.small-text");
  const fill = (label) => {
    const meter = h("meter", { min: 0, max: 1, value: 0, "aria-label": t(label) });
    const words = h("span.dim.small-text");
    return { meter, words, root: h("div.cache-fill", h("div.card-head", h("h3", t(label)), words), meter) };
  };
  const [entries, size] = [fill("cache.entries"), fill("cache.bytes")];
  const wrong = h("div", { role: "alert" });
  const newest = h("ul.cache-newest", { "aria-label": t("cache.newest") });
  const forget = h("button.button.danger", { onclick: async () => {
    if (!await sure({ title: t("cache.forget.title"), text: t("cache.forget.text"), yes: t("cache.forget"), danger: true })) return;
    try {
      const gone = await data.forget();
      toast(t("cache.forgotten", { n: gone.entries ?? 0 }), { kind: "good" });
      load();
    } catch (error) { complain(error); }
  } }, icon("trash", { size: 18 }), t("cache.forget"));
  put(root, h("div.cache", wrong,
    h("section.card", h("h2", t("cache.found")), h("dl.cache-figures", PLACES.map(figure)), bar, share),
    h("section.card.cache-fills", h("h2", t("cache.room")), entries.root, size.root, h("div.row-actions", forget)),
    h("section.card", h("h2", t("cache.more")), h("dl.cache-figures.small", MORE.map(figure))),
    h("section.card", h("h2", t("cache.newest")), newest)));

  function fillTo({ meter, words }, value, max, shown) {
    meter.max = Math.max(1, max);
    meter.value = value;
    say(words, t("network.fill", { size: shown(value), cap: shown(max) }));
  }

  function list() {
    swap(newest, String(came[0]?.came ?? 0) + came.length, () => (came.length === 0 ? h("li.dim", t("cache.newest.none"))
      : came.map((one) => h("li", h("bdi.mono", line([one.namespace, one.key].filter(Boolean).join(" · ")).slice(0, 160)), " ",
        h("span.dim.small-text", [bytes(one.size ?? 0), data.called(one.by), time(one.came)].join(" · "))))));
  }

  async function load() {
    if (busy || ended || document.hidden) return;
    busy = true;
    try {
      const now = await data.stats();
      if (ended) return;
      for (const [one, place] of Object.entries(figures)) say(place, number(now[one] ?? 0));
      const sum = PLACES.reduce((all, one) => all + (now[one] ?? 0), 0);
      PLACES.forEach((one, at) => bar.children[at].style.setProperty("flex-grow", String(now[one] ?? 0)));
      bar.hidden = sum === 0;
      say(share, sum === 0 ? t("cache.unasked") : t("cache.share", { part: number(Math.round(((sum - now.misses) / sum) * 1_000) / 10), n: sum }));
      fillTo(entries, now.entries, now.entries_max, number);
      fillTo(size, now.bytes, now.bytes_max, bytes);
      put(wrong);
    } catch (error) {
      if (!ended) put(wrong, h("p.error-text", reason(error)));
    } finally { busy = false; }
  }

  const timer = setInterval(load, BEAT);
  const ends = [live.on("cache", () => { list(); load(); }), live.on("open", load)];
  list();
  load();
  return {
    unmount() {
      ended = true;
      clearInterval(timer);
      for (const end of ends) end();
      root.replaceChildren();
    },
  };
}
