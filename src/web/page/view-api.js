// The API for people, from the document that programs read.

import * as api from "./api.js";
import { h, icon, put } from "./dom.js";
import { copy, reason } from "./dialog.js";
import { t, tn } from "./i18n.js";
import { state } from "./store.js";

export const title = "nav.api";

const DOCUMENT = "/api/openapi.json";
const METHODS = ["get", "put", "post", "patch", "delete", "head"];
const setup = () => `api=\${XDG_STATE_HOME:-$HOME/.local/state}/lsnp/${state.me?.profile ?? "$USER"}/api.toml
sed -n 's/^token = "\\(.*\\)"/header = "Authorization: Bearer \\1"/p' $api > ~/.peer-curl && chmod 600 ~/.peer-curl`;

/** What a reference within the document stands for. */
class Book {
  constructor(all) { this.all = all; }

  of(node) {
    for (let turn = 0; node?.$ref && turn < 8; turn += 1) node = node.$ref.split("/").slice(1).reduce((at, part) => at?.[part.replaceAll("~1", "/")], this.all);
    return node ?? {};
  }

  name(node) { return node?.$ref?.split("/").at(-1); }

  /** The type of a schema in a few words; names of schemas lead to them. */
  type(schema) {
    const name = this.name(schema);
    if (name) return [h("a", { href: `#/api?to=${encodeURIComponent(name)}` }, name)];
    const { type, items, enum: words, anyOf, oneOf, format, minimum, maximum, maxLength, maxItems, default: usual, const: only } = schema ?? {};
    const some = anyOf ?? oneOf;
    if (some) return some.flatMap((one, at) => (at ? [" | ", ...this.type(one)] : this.type(one)));
    if (only !== undefined) return [JSON.stringify(only)];
    if (words) return [words.map((word) => JSON.stringify(word)).join(" | ")];
    if (items) return ["[", ...this.type(items), "]", maxItems ? ` ≤ ${maxItems}` : ""];
    const more = [format, minimum !== undefined && `≥ ${minimum}`, maximum !== undefined && `≤ ${maximum}`, maxLength !== undefined && `≤ ${maxLength}`, usual !== undefined && `= ${JSON.stringify(usual)}`].filter(Boolean);
    return [[type ?? "any"].flat().join(" | "), more.length ? ` (${more.join(", ")})` : ""];
  }

  /** A value of this schema. */
  sample(schema, deep = 0) {
    const node = this.of(schema);
    if (node.example !== undefined) return node.example;
    if (node.examples?.length) return node.examples[0];
    if (node.const !== undefined) return node.const;
    if (node.default !== undefined) return node.default;
    if (node.enum) return node.enum[0];
    if (node.anyOf ?? node.oneOf) return this.sample((node.anyOf ?? node.oneOf)[0], deep);
    const type = [node.type].flat()[0];
    if (type === "object" && deep < 4) {
      const must = node.required?.length ? node.required : Object.keys(node.properties ?? {}).slice(0, 1);
      return Object.fromEntries(must.map((key) => [key, this.sample(node.properties?.[key], deep + 1)]));
    }
    if (type === "array") return [this.sample(node.items, deep + 1)];
    return { integer: Math.max(1, node.minimum ?? 1), number: 1, boolean: true, string: "…" }[type] ?? null;
  }
}

function fields(book, list) {
  return h("dl", { class: "fields" }, list.map(([key, schema, must, text]) => h("div", {},
    h("dt", {}, h("code", {}, key), " ", h("span", { class: "dim mono" }, book.type(schema)), must && [" ", h("span", { class: "must" }, t("api.must"))]),
    text && h("dd", { dir: "auto" }, text))));
}

function shape(book, schema) {
  const node = book.of(schema);
  const inside = node.type === "array" ? book.of(node.items) : node;
  if (!inside.properties) return null;
  const must = new Set(inside.required ?? []);
  return fields(book, Object.entries(inside.properties).map(([key, one]) => [key, one, must.has(key), one.description ?? book.of(one).description]));
}

function example(text) {
  return h("div", { class: "example", dir: "ltr" }, h("code", {}, text),
    h("button", { type: "button", class: "button icon-only", "aria-label": t("api.copy"), title: t("api.copy"), onclick: () => copy(text) }, icon("copy", { size: 16 })));
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curl(book, method, path, asked, body) {
  const query = asked.filter((one) => one.in === "query" && one.required).map((one) => `${one.name}=${encodeURIComponent(book.of(one.schema).type === "string" ? one.name.toUpperCase() : book.sample(one.schema))}`);
  const address = `${location.origin}${path.replace(/\{(\w+)\}/g, (_, key) => key.toUpperCase())}${query.length ? `?${query.join("&")}` : ""}`;
  const types = Object.entries(body.content ?? {});
  const json = types.find(([type]) => type.includes("json"));
  const parts = ["curl -sS -K ~/.peer-curl", quoted(address)];
  if (json) parts.push(`-H 'Content-Type: application/json' -d ${quoted(JSON.stringify(book.sample(json[1].schema)))}`);
  else if (types.length) parts.push("-T FILE");
  if (method !== "get" && !(method === "post" && json) && !(method === "put" && types.length)) parts.push(`-X ${method.toUpperCase()}`);
  return parts.join(" ");
}

function answers(book, operation) {
  return h("dl", { class: "fields" }, Object.entries(operation.responses ?? {}).map(([status, each]) => {
    const one = book.of(each);
    const kinds = Object.entries(one.content ?? {});
    return h("div", {}, h("dt", {}, h("code", {}, status === "default" ? t("api.else") : status), 
      kinds.map(([type, { schema }]) => [" ", h("span", { class: "dim" }, type, schema && [" ", h("span", { class: "mono" }, book.type(schema))])])),
      one.description && h("dd", { dir: "auto" }, one.description));
  }));
}

function route(book, path, method, operation, shared) {
  const asked = [...(shared ?? []), ...(operation.parameters ?? [])].map((one) => book.of(one));
  const body = book.of(operation.requestBody);
  const types = Object.entries(body.content ?? {});
  const made = h("details", { class: "route", id: `route-${method}-${path}` },
    h("summary", {}, h("span", { class: `method ${method}` }, method.toUpperCase()), h("bdi", { class: "route-path", dir: "ltr" }, path), h("span", { class: "dim", dir: "auto" }, operation.summary)));
  // What is in it is made when it is opened first.
  made.addEventListener("toggle", () => {
    if (!made.open || made.children.length > 1) return;
    made.append(h("div", { class: "route-body" },
      operation.description && h("p", { dir: "auto" }, operation.description),
      asked.length > 0 && [h("h3", {}, t("api.parameters")), fields(book, asked.map((one) => [one.name, one.schema, one.required, one.description]))],
      types.length > 0 && [h("h3", {}, t("api.body")), body.description && h("p", { dir: "auto" }, body.description),
        types.map(([type, { schema }]) => [h("p", { class: "small-text" }, type, " ", h("span", { class: "mono" }, book.type(schema))), shape(book, schema)])],
      h("h3", {}, t("api.answers")), answers(book, operation),
      h("h3", {}, t("api.example")), example(curl(book, method, path, asked, body))));
  });
  return made;
}

/** Routes by their first tag; without tags in one group. */
function groups(book) {
  const all = new Map();
  for (const [path, item] of Object.entries(book.all.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      const tag = operation.tags?.[0] ?? "";
      if (!all.has(tag)) all.set(tag, []);
      all.get(tag).push(route(book, path, method, operation, item.parameters));
    }
  }
  const told = new Map((book.all.tags ?? []).map((tag) => [tag.name, tag.description]));
  return [...all].map(([tag, routes]) => h("section", { class: "card" }, h("h2", {}, tag || t("api.routes")), told.get(tag) && h("p", { class: "dim", dir: "auto" }, told.get(tag)), routes));
}

function schemas(book) {
  const all = Object.entries(book.all.components?.schemas ?? {});
  return h("section", { class: "card" }, h("h2", {}, t("api.schemas")), all.map(([key, schema]) => {
    const made = h("details", { class: "route", data: { schema: key } }, h("summary", {}, h("span", { class: "route-path" }, key), h("span", { class: "dim", dir: "auto" }, schema.description)));
    made.addEventListener("toggle", () => {
      if (made.open && made.children.length === 1) made.append(h("div", { class: "route-body" }, shape(book, schema) ?? h("p", { class: "mono" }, book.type(schema))));
    });
    return made;
  }));
}

export function mount(root, params) {
  const place = h("div", { class: "api-parts" }, h("p", { class: "dim", role: "status" }, t("api.reads")));
  put(root, h("div", { class: "api-view" }, h("h1", { tabindex: -1 }, t("nav.api")), place));
  let ended = false;
  let wanted = params.query?.get("to");

  function show() {
    const found = wanted && place.querySelector(`details[data-schema="${CSS.escape(wanted)}"]`);
    if (!found) return;
    found.open = true;
    found.firstChild.focus();
    found.scrollIntoView({ block: "start" });
  }

  api.get(DOCUMENT).then((all) => {
    if (ended) return;
    const book = new Book(all);
    const metrics = h("code", { dir: "ltr" }, "/metrics");
    put(place,
      h("section", { class: "card" }, h("p", {}, tn("api.about", { title: all.info?.title ?? "", version: all.info?.version ?? "", document: h("code", { dir: "ltr" }, DOCUMENT) })),
        all.info?.description && h("p", { class: "dim", dir: "auto" }, all.info.description), h("p", {}, tn("api.metrics", { metrics })),
        h("h2", {}, t("api.setup")), h("p", { class: "dim" }, t("api.setup.text")), example(setup())),
      groups(book), schemas(book));
    show();
  }, (error) => { if (!ended) put(place, h("p", { class: "error-text" }, reason(error))); });

  return {
    update(fresh) { wanted = fresh.query?.get("to"); show(); },
    unmount() { ended = true; root.replaceChildren(); },
  };
}
