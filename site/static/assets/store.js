// The one way to the store. Every request is noted with what its headers say of the cache, and told to who listens.

export const requests = [];
export const bus = new EventTarget();
const KEPT = 200;
const TOKEN = "store-api token";
// As many as a browser has connections to one host. The others wait here, where their wait is not taken for the store's time.
const AT_ONCE = 6;
let slots = AT_ONCE;
const waiting = [];
const slot = () => slots > 0 ? void slots-- : new Promise((free) => waiting.push(free));
const release = () => waiting.length ? waiting.shift()() : void slots++;

let askForToken = null;
/** Sets what is called when the store wants a token: it gets the reason, and says whether a token was given. */
export const onTokenWanted = (ask) => { askForToken = ask; };
export const token = () => sessionStorage.getItem(TOKEN);
/** Keeps a token for this tab, or forgets it. */
export function setToken(value) {
  if (value) sessionStorage.setItem(TOKEN, value); else sessionStorage.removeItem(TOKEN);
  bus.dispatchEvent(new Event("token"));
}

export const listing = (collection) => `/api/showDB/${encodeURIComponent(collection)}`;
export const document_ = (verb, collection, id) => `/api/${verb}/${encodeURIComponent(collection)}/${encodeURIComponent(id)}`;

/** Sends a request and notes it. `body` is sent as JSON. What is not 2xx is an answer, too: look at `ok` and `problem`. */
export async function send(method, path, { body, headers = {}, asked = false } = {}) {
  const sent = { ...headers };
  if (body !== undefined) sent["Content-Type"] ??= "application/json";
  if (token()) sent.Authorization = `Bearer ${token()}`;
  await slot();
  const start = performance.now();
  let response, text = "";
  try {
    // Not the browser's own cache: it is the store's that is looked at.
    response = await fetch(path, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" });
    text = await response.text();
  } catch (error) {
    note({ method, path, kind: "error", status: 0, total: performance.now() - start });
    return { ok: false, status: 0, problem: `The store could not be reached: ${error.message}` };
  } finally {
    release();
  }
  const entry = note({ method, path, status: response.status, total: performance.now() - start, ...cacheSays(method, response) });
  const answer = { ok: response.ok, status: response.status, headers: response.headers, entry };
  try { answer.json = parse(text); } catch { /* not every answer has a body */ }
  if (!response.ok) answer.problem = answer.json?.detail ?? `The store answered ${response.status}.`;
  if ((answer.status === 401 || answer.status === 403) && askForToken && !asked && await askForToken(answer.problem)) {
    return send(method, path, { body, headers, asked: true });
  }
  return answer;
}

/** Whether JavaScript may have rounded this number. */
export const isRounded = (value) => Number.isInteger(value) && !Number.isSafeInteger(value);

/** Reads JSON. A whole number that would be rounded stays as it is spelled, where the browser can keep one so. */
export const parse = (json) => JSON.parse(json, (_, value, context) => isRounded(value) && JSON.rawJSON ? JSON.rawJSON(context.source) : value);

/** Whether two values of JSON are the same, the order of their fields included. */
export const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** A field's value; a document's fields may have names that every object of JavaScript has, such as `constructor`. */
export const field = (object, name) => Object.hasOwn(object, name) ? object[name] : undefined;

function cacheSays(method, { headers, status, ok }) {
  const says = { cache: duration(headers, "cache"), store: duration(headers, "store") };
  const state = parameters(headers.get("Cache-Status") ?? "");
  says.key = state.key;
  says.detail = state.detail;
  says.ttl = state.ttl === undefined ? undefined : Number(state.ttl);
  const where = headers.get("X-Cache")?.toLowerCase();
  if (!ok && status !== 304) says.kind = "error";
  else if (method === "GET") says.kind = where ?? "other";
  else says.kind = "write";
  return says;
}

/** The parameters of a Cache-Status (RFC 9211): `redis; hit; ttl=4; key="games:list"`. */
export function parameters(value) {
  const found = {};
  for (const [, name, quoted, bare] of value.matchAll(/;\s*([a-z-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^;,\s]+)))?/g)) {
    found[name] = quoted?.replace(/\\(.)/g, "$1") ?? bare ?? true;
  }
  return found;
}

function duration(headers, name) {
  const found = (headers.get("Server-Timing") ?? "").match(new RegExp(`(?:^|,)\\s*${name};dur=([\\d.]+)`));
  return found ? Number(found[1]) : undefined;
}

let number = 0;
function note(entry) {
  entry.number = ++number;
  entry.at = performance.now();
  const [, route, collection, id] = entry.path.match(/^\/api\/(\w+)(?:\/([^/?]+))?(?:\/([^/?]+))?/) ?? [];
  entry.collection = collection && decodeURIComponent(collection);
  if (entry.key && entry.ttl !== undefined) entry.ends = entry.at + entry.ttl * 1000;
  if (entry.kind === "write") entry.invalidated = invalidate(entry, route, id && decodeURIComponent(id));
  requests.push(entry);
  if (requests.length > KEPT) requests.shift();
  bus.dispatchEvent(new CustomEvent("request", { detail: entry }));
  return entry;
}

/** Marks the keys seen here that a write makes invalid: the collection's listings, and the document's own. */
function invalidate({ collection }, route, id) {
  const whole = ["initDB", "cleanDB", "purge"].includes(route);
  const keys = new Set();
  for (const seen of requests) {
    const same = seen.collection === collection || (whole && collection === "all");
    if (!same || !seen.ends || seen.gone || seen.ends < performance.now()) continue;
    if (whole || /:list(:|$)/.test(seen.key) || seen.key.endsWith(`:id:${id}`)) {
      seen.gone = true;
      keys.add(seen.key);
    }
  }
  return [...keys];
}

export function clear() {
  requests.length = 0;
  bus.dispatchEvent(new Event("clear"));
}

export const ms = (value) => value === undefined ? "–" : value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
export const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
export const sleep = (duration) => new Promise((done) => setTimeout(done, duration));
/** A key whose hash or id is cut short, for a sentence. */
export const brief = (key) => (key ?? "").replace(/:([0-9a-f]{7})[0-9a-f]{33}$/, ":$1…").replace(/:[0-9a-f]{18}([0-9a-f]{6})$/, ":…$1");
