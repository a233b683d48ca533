// A collection as a table, with filters, a search, a sort and pages. The store does all of it: here stands what to ask.

import { field, listing, plural, send } from "./store.js";
import { $, el, say } from "./dom.js";

// Parameters of a listing; a field of such a name is filtered as `eq.sort=…`.
const RESERVED = ["sort", "limit", "skip", "fields", "q", "field", "after", "count"];
const SIGNS = { "": "=", ne: "≠", gt: ">", gte: "≥", lt: "<", lte: "≤", in: "one of", nin: "none of", icontains: "contains", starts: "starts with", exists: "exists" };

// The other pages of a listing, as links and as buttons.
const PAGES = ["first", "prev", "next"];

const state = { collection: null, filters: [], search: "", sort: "", columns: ["_id"], links: {} };
let onOpen = () => {};
let turn = 0;

export const collection = () => state.collection;
/** The fields of the documents on the page, and one of them. */
export const example = () => state.example;

export function start(open) {
  onOpen = open;
  $("filter").addEventListener("submit", (event) => { event.preventDefault(); if (document.activeElement !== $("search")) addFilter(); });
  $("search").addEventListener("change", (event) => { state.search = event.target.value; load(); });
  $("limit").addEventListener("change", () => load());
  for (const where of PAGES) $(where).addEventListener("click", () => load(state.links[where]));
}

/** Shows another collection, without filters. */
export function open(name) {
  // Nothing of the last one stays: a row of it would open a document of this one.
  Object.assign(state, { collection: name, filters: [], search: "", sort: "", columns: ["_id"], url: undefined, example: undefined });
  $("search").value = $("count").textContent = "";
  $("table").replaceChildren();
  leadTo({});
  chips();
  return load();
}

export const reload = () => load(state.url);

function address() {
  const query = new URLSearchParams();
  for (const { field, op, value } of state.filters) {
    query.append(op ? `${field}[${op}]` : RESERVED.includes(field) ? `eq.${field}` : field, value);
  }
  if (state.search) query.set("q", state.search);
  if (state.sort) query.set("sort", state.sort);
  query.set("limit", $("limit").value);
  query.set("count", "true");
  return `${listing(state.collection)}?${query}`;
}

async function load(url = address()) {
  const mine = ++turn;
  const answer = await send("GET", url);
  if (mine !== turn) return; // A later question has been asked since.
  say($("table-problem"), answer.problem);
  if (!answer.ok) return;
  state.url = url;
  leadTo(links(answer.headers.get("Link")));
  const total = answer.headers.get("X-Total-Count");
  const { length } = answer.json;
  $("count").textContent = total === null ? `${plural(length, "document")} here` : `${length} of ${plural(Number(total), "document")}`;
  show(answer.json);
}

/** Which other pages there are. */
function leadTo(pages) {
  state.links = pages;
  for (const where of PAGES) $(where).disabled = !pages[where];
}

/** `<…>; rel="next"` (RFC 8288), as paths of this store. */
export function links(header) {
  const found = {};
  for (const [, target, rel] of (header ?? "").matchAll(/<([^>]*)>\s*;\s*rel="?([a-z]+)"?/g)) {
    const url = new URL(target, location.origin + listing(state.collection ?? ""));
    found[rel] = url.pathname + url.search;
  }
  return found;
}

function show(documents) {
  const fields = new Set(["_id"]);
  for (const each of documents) for (const name of Object.keys(each)) fields.add(name);
  if (documents.length) { state.columns = [...fields]; [state.example] = documents; }
  const columns = documents.length ? state.columns : [];
  const chosen = $("filter-field").value;
  $("filter-field").replaceChildren(...state.columns.map((name) => el("option", { value: name, selected: name === chosen }, name)));
  if (!documents.length) {
    $("table").replaceChildren(el("p", { className: "soft panel" }, state.filters.length || state.search
      ? "No document fits these filters." : "This collection is empty. Add a document, or reset it to the sample data."));
    return;
  }
  const rows = documents.map((each) => el("tr", {}, columns.map((name, index) => index ? cell(field(each, name)) : identity(each))));
  $("table").replaceChildren(el("table", { className: "data" },
    el("thead", {}, el("tr", {}, columns.map(heading))), el("tbody", {}, rows)));
}

function heading(name) {
  const way = state.sort === name ? "ascending" : state.sort === `-${name}` ? "descending" : "none";
  const arrow = { ascending: " ▲", descending: " ▼", none: "" }[way];
  const button = el("button", { type: "button", title: `Sort by ${name}` }, name, el("span", { "aria-hidden": "true" }, arrow));
  button.addEventListener("click", async () => {
    state.sort = way === "ascending" ? `-${name}` : name;
    await load();
    [...$("table").querySelectorAll("th button")].find((each) => each.title === button.title)?.focus();
  });
  return el("th", { scope: "col", "aria-sort": way }, button);
}

function identity(document) {
  const id = text(document._id);
  const shown = id.length > 10 ? `…${id.slice(-6)}` : id;
  const button = el("button", { type: "button", className: "plain mono", title: id }, el("span", { className: "sr" }, "Open "), shown);
  button.addEventListener("click", () => onOpen(document._id));
  return el("td", {}, button);
}

function cell(value) {
  const shown = value === undefined ? "" : text(value);
  return el("td", { className: isNumber(value) ? "number" : "", title: shown.length > 28 ? shown : "" }, shown);
}

/** Whether it is a number, be it one that stayed as it was spelled. */
export const isNumber = (value) => typeof value === "number" || Boolean(JSON.isRawJSON?.(value));

/** A value as a cell shows it, and an `_id` as a path names it. */
export function text(value) {
  if (Array.isArray(value)) return value.map(text).join(", ");
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

function addFilter() {
  const [field, op, value] = ["field", "op", "value"].map((name) => $(`filter-${name}`).value);
  const name = op ? `${field}[${op}]` : field;
  // A parameter may stand once.
  state.filters = state.filters.filter((each) => each.name !== name);
  state.filters.push({ name, field, op, value: op === "exists" && !value ? "true" : value });
  $("filter-value").value = "";
  chips();
  load();
}

function chips() {
  $("chips").hidden = !state.filters.length;
  $("chips").replaceChildren(...state.filters.map((filter) => {
    const words = `${filter.field} ${SIGNS[filter.op]} ${filter.value}`;
    const remove = el("button", { type: "button", className: "plain", "aria-label": `Remove the filter ${words}` }, "✕");
    remove.addEventListener("click", () => { state.filters = state.filters.filter((each) => each !== filter); chips(); load(); $("filter-value").focus(); });
    return el("span", { className: "chip" }, words, remove);
  }));
}
