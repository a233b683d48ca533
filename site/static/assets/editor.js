// A document in an editor. It is saved with the ETag with which it was read: where somebody else was faster, the store
// refuses (412), and both versions stand side by side.

import { document_, field, isRounded, parse, same, send } from "./store.js";
import { $, el, say } from "./dom.js";
import { isNumber, text } from "./table.js";

let open = null;
let changed = () => {};

export function start(onChange) {
  changed = onChange;
  for (const [id, act] of [["editor-save", save], ["editor-take", takeTheirs], ["editor-delete", remove]]) {
    $(id).addEventListener("click", () => alone(act));
  }
  $("editor-close").addEventListener("click", () => $("editor").close());
}

/** One thing at a time: a second click does nothing while the first one's request is under way. */
async function alone(act) {
  const mine = open;
  if (mine.busy) return;
  mine.busy = true;
  try { await act(mine); } finally { mine.busy = false; }
}

/** Whether the editor still shows what a request was sent for. */
const isShown = (mine) => open === mine && $("editor").open;

/** Reads the document with this `_id` and opens it; or says why not. */
export async function edit(collection, id) {
  const answer = await read(collection, text(id));
  if (!answer.ok) return answer.problem;
  // A path is a text: where several documents' ids look alike, it finds one of them.
  if (!same(answer.json._id, id)) return `Another document's _id is spelled like this one, ${text(id)}, and the path leads to that.`;
  if (hasRounded(answer.json)) return "This document has whole numbers that this browser rounds; a newer one can edit it.";
  begin({ collection, id: text(id), ...answer.version }, `Document ${text(id)}`, "Fields that you leave as they are keep their types.");
  return undefined;
}

function hasRounded(json) {
  let found = false;
  JSON.stringify(json, (_, value) => { found ||= isRounded(value); return value; });
  return found;
}

/** Opens the editor for a new document with the fields of this one. */
export function add(collection, like) {
  const blank = (value) => Array.isArray(value) ? [] : isNumber(value) ? 0 : { string: "", boolean: false, object: {} }[typeof value];
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

const condition = ({ etag }) => etag ? { "If-Match": etag } : {};

async function save(mine) {
  const written = $("editor-text").value;
  let fields;
  try { fields = parse(written); } catch (error) { return say($("editor-problem"), `This is not JSON yet: ${error.message}`); }
  if (!isObject(fields)) return say($("editor-problem"), "A document is an object: { … }");
  if (mine.id === null) {
    // Sent again, the same text is added once.
    if (mine.sent !== written) Object.assign(mine, { sent: written, key: randomKey() });
    const headers = { "Idempotency-Key": mine.key };
    return finish(mine, await send("POST", `/api/add/${encodeURIComponent(mine.collection)}`, { body: fields, headers }));
  }
  const request = difference(mine.fields, fields);
  if (!request) return $("editor").close();
  if (request.problem) return say($("editor-problem"), request.problem);
  const headers = { ...condition(mine), "Content-Type": request.type };
  const answer = await send(request.method, document_("update", mine.collection, mine.id), { body: request.body, headers });
  return answer.status === 412 ? conflict(mine) : finish(mine, answer);
}

const randomKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !isNumber(value);

/** The request that makes the one of the other: only what changed is sent. A field that is gone needs a merge patch (RFC 7396). */
export function difference(before, after) {
  const set = Object.create(null), gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  for (const [name, value] of Object.entries(after)) if (!same(value, field(before, name))) set[name] = value;
  if (!gone.length) return Object.keys(set).length ? { method: "PUT", type: "application/json", body: set } : null;
  const nulls = Object.keys(set).filter((name) => set[name] === null);
  if (nulls.length) return { problem: `Remove fields and set ${nulls.join(", ")} to null one after the other.` };
  for (const name of Object.keys(set)) set[name] = patch(field(before, name), set[name]);
  for (const name of gone) set[name] = null;
  return { method: "PATCH", type: "application/merge-patch+json", body: set };
}

function patch(before, after) {
  if (!isObject(before) || !isObject(after)) return after;
  const result = Object.create(null);
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) result[name] = null;
  for (const [name, value] of Object.entries(after)) {
    const old = field(before, name);
    if (!same(old, value)) result[name] = patch(old, value);
  }
  return result;
}

function finish(mine, answer) {
  if (!answer.ok) return isShown(mine) && say($("editor-problem"), answer.problem);
  if (isShown(mine)) $("editor").close();
  return changed();
}

/** Somebody else was faster: theirs beside ours, what differs marked. */
async function conflict(mine) {
  const answer = await read(mine.collection, mine.id);
  if (!isShown(mine)) return;
  if (!answer.ok) return say($("editor-problem"), `Somebody else changed this document, and now: ${answer.problem}`);
  Object.assign(mine, { theirs: answer.version.fields, etag: answer.version.etag });
  say($("editor-problem"), "Somebody else changed this document after you read it. Nothing was saved. Both versions stand below.");
  $("editor-mine").textContent = "Yours";
  const lines = Object.entries(mine.theirs).map(([name, value], index, all) => {
    const line = `  ${JSON.stringify(name)}: ${JSON.stringify(value, null, 2).replaceAll("\n", "\n  ")}${index < all.length - 1 ? "," : ""}\n`;
    return same(value, field(mine.fields, name)) ? line : el("mark", {}, line);
  });
  $("theirs-text").replaceChildren("{\n", ...lines, "}");
  $("editor-theirs").hidden = $("editor-take").hidden = false;
  $("editor-save").textContent = "Save mine over theirs";
  // What differs from theirs is what is sent next.
  mine.fields = mine.theirs;
}

function takeTheirs(mine) {
  $("editor-text").value = JSON.stringify(mine.theirs, null, 2);
  reset();
  $("editor-text").focus();
}

async function remove(mine) {
  const button = $("editor-delete");
  if (!button.dataset.sure) {
    button.dataset.sure = "1";
    button.textContent = "Really delete?";
    return;
  }
  const answer = await send("DELETE", document_("delete", mine.collection, mine.id), { headers: condition(mine) });
  if (answer.status !== 412) return finish(mine, answer);
  if (isShown(mine)) reset();
  return conflict(mine);
}
