// The configuration file: what holds, what said so, and what holds from the next start on.
import * as api from "./api.js";
import { h, put } from "./dom.js";
import { list, t, tn } from "./i18n.js";
import { reason, toast } from "./dialog.js";

const yes = (values) => values?.[0] === "true";

function shown(values, word) {
  if (values.length === 0) return t("settings.none");
  return word === "" ? t(yes(values) ? "settings.yes" : "settings.no") : list(values);
}

function source(setting) {
  const next = setting.in_file ?? setting.default;
  const other = JSON.stringify(next) !== JSON.stringify(setting.values);
  const overruled = setting.source === "option" || setting.source === "environment";
  return h("p.small-text.dim.setting-source",
    tn("settings.holds", { value: h("bdi.mono", shown(setting.values, setting.value)), source: t(`source.${setting.source}`) }),
    setting.source !== "default" && [" ", tn("settings.default", { value: h("bdi.mono", shown(setting.default, setting.value)) })],
    other && !overruled && [" ", h("strong.next", tn("settings.next", { value: h("bdi.mono", shown(next, setting.value)) }))]);
}

function editor(setting, change) {
  const id = `setting-${setting.key}`;
  const described = `${id}-help ${id}-wrong`;
  if (setting.value === "") {
    const box = h("input", { type: "checkbox", role: "switch", id, checked: yes(setting.in_file ?? setting.values), "aria-describedby": described });
    box.addEventListener("change", () => change([String(box.checked)]));
    return h("span.switch", box);
  }
  const value = (setting.in_file ?? []).join(setting.list ? "\n" : "");
  const placeholder = setting.default.join(", ") || setting.value;
  const common = { id, value, placeholder, dir: "ltr", "aria-describedby": described, autocomplete: "off", spellcheck: false };
  const field = setting.list
    ? h("textarea.input.mono", { ...common, rows: Math.max(2, setting.in_file?.length ?? 0) })
    : h("input.input.mono", common);
  field.addEventListener("change", () => {
    const values = setting.list ? field.value.split("\n").map((one) => one.trim()).filter(Boolean) : [field.value.trim()].filter(Boolean);
    change(values.length ? values : undefined);
  });
  return field;
}

function row(setting, save) {
  const id = `setting-${setting.key}`;
  const wrong = h("p.error-text", { id: `${id}-wrong`, role: "alert" });
  const change = async (values) => {
    try {
      put(wrong);
      await save(setting.key, values);
    } catch (error) {
      put(wrong, h("bdi", reason(error)));
      document.getElementById(id)?.setAttribute("aria-invalid", "true");
    }
  };
  const field = editor(setting, change);
  return h("li", { class: `setting${setting.value === "" ? " yes-no" : ""}` },
    h("div.setting-head",
      h("label", { htmlFor: id }, h("code", { dir: "ltr" }, setting.key),
        setting.value && [" ", h("span.dim.small-text", { dir: "ltr" }, `${setting.value}${setting.list ? " …" : ""}`)]),
      setting.value === "" && field,
      setting.in_file && h("button.button.plain.small", { onclick: () => change(undefined) },
        t("settings.remove"), h("span.away", ` ${setting.key}`))),
    h("p.small-text", { id: `${id}-help`, dir: "auto" }, setting.help),
    setting.value !== "" && field, wrong, source(setting));
}

/** The card with all settings. */
export function settings() {
  const place = h("div.settings", h("p.dim", t("settings.reading")));
  function show(all) {
    const focused = document.activeElement?.id;
    put(place,
      h("p.dim.small-text", tn("settings.file", { file: h("bdi.mono", all.file) })),
      h("ul", all.settings.map((setting) => row(setting, async (key, values) => {
        show(await api.send("PATCH", "/api/settings", values === undefined ? { key } : { key, values }));
        toast(t("settings.saved"), { kind: "good" });
      }))));
    if (focused?.startsWith("setting-")) document.getElementById(focused)?.focus();
  }
  api.get("/api/settings").then(show, (error) => put(place, h("p.dim", error.error === "no-program" ? t("settings.no-program") : reason(error))));
  return h("section.card", { "aria-labelledby": "me-settings" }, h("h2", { id: "me-settings" }, t("me.settings")), place);
}
