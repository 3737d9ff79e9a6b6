import { h, put } from "./dom.js";
import { t } from "./i18n.js";

export const title = "nav.api";

export function mount(root) {
  put(root, h("h1", { tabindex: -1 }, t("nav.api")));
  return { unmount() { root.replaceChildren(); } };
}
