// A document in an editor. It is saved with the ETag with which it was read: where somebody else was faster, the store
// refuses (412), and both versions stand side by side.

import { document_, listing, send } from "./store.js";
import { $, el, say } from "./dom.js";

let open = null;
let changed = () => {};

export function start(onChange) {
  changed = onChange;
  $("editor-save").addEventListener("click", save);
  $("editor-take").addEventListener("click", takeTheirs);
  $("editor-delete").addEventListener("click", remove);
  $("editor-close").addEventListener("click", () => $("editor").close());
}

/** Reads a document and opens it. */
export async function edit(collection, id) {
  const answer = await read(collection, id);
  if (!answer.ok) return answer.problem;
  begin({ collection, id, ...answer.version }, `Document ${id}`, "Fields that you leave as they are keep their types.");
  return undefined;
}

/** Opens the editor for a new document with the fields of this one. */
export function add(collection, like) {
  const blank = (value) => Array.isArray(value) ? [] : { string: "", number: 0, boolean: false, object: {} }[typeof value];
  const fields = Object.fromEntries(Object.entries(like ?? { item: "" }).filter(([name]) => name !== "_id").map(([name, value]) => [name, blank(value)]));
  begin({ collection, id: null, fields }, `New document in ${collection}`, "It needs one field at least that the others have.");
}

function begin(state, title, note) {
  open = state;
  $("editor-title").textContent = title;
  $("editor-note").textContent = note;
  $("editor-text").value = JSON.stringify(state.fields, null, 2);
  $("editor-delete").hidden = state.id === null;
  reset();
  if (!$("editor").open) $("editor").showModal();
  $("editor-text").focus();
}

function reset() {
  $("editor-theirs").hidden = $("editor-take").hidden = true;
  $("editor-mine").textContent = "Its fields, as JSON";
  $("editor-save").textContent = open.id === null ? "Add" : "Save";
  $("editor-delete").textContent = "Delete";
  delete $("editor-delete").dataset.sure;
  say($("editor-problem"), "");
}

async function read(collection, id) {
  const answer = await send("GET", document_("get", collection, id));
  if (answer.ok) {
    const { _id, ...fields } = answer.json;
    answer.version = { fields, etag: answer.headers.get("ETag") };
  }
  return answer;
}

const condition = () => open.etag ? { "If-Match": open.etag } : {};

async function save() {
  let fields;
  try { fields = JSON.parse($("editor-text").value); } catch (error) { return say($("editor-problem"), `This is not JSON yet: ${error.message}`); }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return say($("editor-problem"), "A document is an object: { … }");
  if (open.id === null) return finish(await send("POST", `/api/add/${encodeURIComponent(open.collection)}`, { body: fields }), "added");
  const request = difference(open.fields, fields);
  if (!request) return $("editor").close();
  if (request.problem) return say($("editor-problem"), request.problem);
  const answer = await send(request.method, document_("update", open.collection, open.id), { body: request.body, headers: { ...condition(), "Content-Type": request.type } });
  return answer.status === 412 ? conflict() : finish(answer, "saved");
}

/** The request that makes the one of the other: only what changed is sent. A field that is gone needs a merge patch (RFC 7396). */
export function difference(before, after) {
  const set = {}, gone = Object.keys(before).filter((name) => !(name in after));
  for (const [name, value] of Object.entries(after)) if (JSON.stringify(value) !== JSON.stringify(before[name])) set[name] = value;
  if (!gone.length) return Object.keys(set).length ? { method: "PUT", type: "application/json", body: set } : null;
  const nulls = Object.keys(set).filter((name) => set[name] === null);
  if (nulls.length) return { problem: `Remove fields and set ${nulls.join(", ")} to null one after the other.` };
  for (const name of Object.keys(set)) set[name] = patch(before[name], set[name]);
  for (const name of gone) set[name] = null;
  return { method: "PATCH", type: "application/merge-patch+json", body: set };
}

function patch(before, after) {
  const object = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  if (!object(before) || !object(after)) return after;
  const result = {};
  for (const name of Object.keys(before)) if (!(name in after)) result[name] = null;
  for (const name of Object.keys(after)) if (JSON.stringify(before[name]) !== JSON.stringify(after[name])) result[name] = patch(before[name], after[name]);
  return result;
}

function finish(answer) {
  if (!answer.ok) return say($("editor-problem"), answer.problem);
  $("editor").close();
  return changed();
}

/** Somebody else was faster: theirs beside ours, what differs marked. */
async function conflict() {
  const answer = await read(open.collection, open.id);
  if (!answer.ok) return say($("editor-problem"), `Somebody else changed this document, and now: ${answer.problem}`);
  Object.assign(open, { theirs: answer.version.fields, etag: answer.version.etag });
  say($("editor-problem"), "Somebody else changed this document after you read it. Nothing was saved. Both versions stand below.");
  $("editor-mine").textContent = "Yours";
  const lines = Object.entries(open.theirs).map(([name, value], index, all) => {
    const line = `  ${JSON.stringify(name)}: ${JSON.stringify(value, null, 2).replaceAll("\n", "\n  ")}${index < all.length - 1 ? "," : ""}\n`;
    return JSON.stringify(value) === JSON.stringify(open.fields[name]) ? line : el("mark", {}, line);
  });
  $("theirs-text").replaceChildren("{\n", ...lines, "}");
  $("editor-theirs").hidden = $("editor-take").hidden = false;
  $("editor-save").textContent = "Save mine over theirs";
  // What differs from theirs is what is sent next.
  open.fields = open.theirs;
}

function takeTheirs() {
  open.fields = open.theirs;
  $("editor-text").value = JSON.stringify(open.fields, null, 2);
  reset();
  $("editor-text").focus();
}

async function remove() {
  const button = $("editor-delete");
  if (!button.dataset.sure) {
    button.dataset.sure = "1";
    button.textContent = "Really delete?";
    return;
  }
  const answer = await send("DELETE", document_("delete", open.collection, open.id), { headers: condition() });
  if (answer.status === 412) { reset(); await conflict(); } else finish(answer);
}
