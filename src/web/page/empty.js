// What is shown where nobody is.
import { h, put, icon } from "./dom.js";
import { t } from "./i18n.js";
import * as api from "./api.js";
import { copy, reason } from "./dialog.js";
import { add } from "./connect.js";

/** Nobody is here: what to do, and a look at why. */
export function emptyHere() {
  const found = h("div.doctor-short", { "aria-live": "polite" });
  const look = h("button", {
    class: "button",
    onclick: async () => {
      look.disabled = true;
      put(found, h("p.dim", t("empty.looking")));
      try {
        const doctor = await api.get("/api/doctor");
        put(found, h("p", h("strong", { dir: "auto" }, doctor.cause)),
          doctor.advice.length > 0 && h("ol.advice", doctor.advice.map((step) => h("li", { dir: "auto" }, step))),
          h("a", { href: "#/network" }, t("empty.more")));
      } catch (error) {
        put(found, h("p.error-text", reason(error)));
      }
      look.disabled = false;
    },
  }, t("empty.why"));
  return h("div.empty", icon("people"),
    h("h2", t("empty.title")),
    h("p.dim", t("empty.text")),
    h("div.command", h("code", { dir: "ltr" }, "peer"),
      h("button.button.icon-only", { "aria-label": t("copy.command"), onclick: () => copy("peer") }, icon("copy"))),
    h("div.row-actions", look, h("button.button", { onclick: () => add() }, t("people.add"))),
    found);
}
