// What is shown to somebody who is not in, and the list of shortcuts.
import { h, put, icon } from "./dom.js";
import { t } from "./i18n.js";
import { copy, dialog } from "./dialog.js";
import { shortcuts, enabled } from "./keys.js";
import { entryError } from "./notices.js";

/** The locked page: how to come in. */
export function nobodyIn(view) {
  view.className = "view door";
  view.removeAttribute("aria-busy");
  const failed = entryError();
  put(view, h("section.door-card",
    h("span.door-sign", icon("private", { size: 34 })),
    h("h1", t("door.title")),
    h("p", t(failed ? (failed.status === 0 ? "door.no-answer" : "door.used") : "door.text")),
    h("div.command", h("code", { dir: "ltr" }, "peer web"),
      h("button.button.icon-only", { "aria-label": t("copy.command"), onclick: () => copy("peer web") }, icon("copy"))),
    h("p.dim", t("door.why"))));
  return () => view.replaceChildren();
}

/** The shortcuts, in a dialog. */
export function showShortcuts() {
  const row = (keys, label) => h("div.key-row", h("dt", keys.split(" ").map((key) => h("kbd", key))), h("dd", t(label)));
  dialog({
    title: t("keys.title"),
    body: [
      h("dl.key-list", shortcuts().map((one) => row(one.keys, one.label)),
        row("↑ ↓", "keys.move"), row("Enter", "keys.open"), row("Esc", "keys.leave")),
      h("p.dim", t(enabled() ? "keys.on" : "keys.off")),
    ],
  });
}
