// What the requests showed: a sentence for the last one, the ratio, the medians, a plot and a list that counts down.

import { bus, clear, ms, requests } from "./store.js";
import { $, badge, el, svg } from "./dom.js";

const KINDS = ["hit", "miss", "stale", "bypass", "write", "error"];
const SHAPES = {
  hit: (x, y) => `M${x - 3} ${y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z`,
  miss: (x, y) => `M${x} ${y - 4}l4 4l-4 4l-4 -4z`,
  stale: (x, y) => `M${x - 3.5} ${y - 3}h7l-3.5 6.5z`,
  bypass: (x, y) => `M${x - 3} ${y - 3}h6v6h-6z`,
  write: (x, y) => `M${x} ${y - 4}l4 7h-8z`,
  error: (x, y) => `M${x - 4} ${y - 3}l1 -1l3 3l3 -3l1 1l-3 3l3 3l-1 1l-3 -3l-3 3l-1 -1l3 -3z`,
};
const rows = new Map();
let drawn = true;

export function start() {
  bus.addEventListener("request", ({ detail }) => { add(detail); later(); });
  bus.addEventListener("clear", () => { rows.clear(); $("timeline").replaceChildren(); $("last").textContent = "No request yet."; later(); });
  $("clear").addEventListener("click", clear);
  setInterval(countDown, 200);
  draw();
}

function later() {
  if (!drawn) return;
  drawn = false;
  requestAnimationFrame(() => { drawn = true; draw(); });
}

function add(entry) {
  const left = el("span", { className: "left" });
  const row = el("li", { className: entry.kind },
    badge(entry.kind),
    el("span", { className: "path", title: entry.path }, `${entry.method} ${shown(entry.path)}`),
    left,
    el("span", { className: "key", title: entry.key ?? "" }, about(entry)),
    el("span", { className: "took", title: "From the request to its answer in this browser" }, ms(entry.total)),
    bars(entry));
  rows.set(entry, left);
  $("timeline").prepend(row);
  for (const known of rows.keys()) if (!requests.includes(known)) { rows.get(known).parentElement.remove(); rows.delete(known); }
  countDown();
  $("last").replaceChildren(badge(entry.kind), ` ${entry.method} ${short(entry.path)}: ${sentence(entry)}`);
}

function shown(path) {
  try { return decodeURIComponent(path.replace(/^\/api/, "")); } catch { return path; }
}
const short = (path) => { const text = shown(path); return text.length > 40 ? `${text.slice(0, 39)}…` : text; };

function about({ key, invalidated, status, detail }) {
  if (invalidated) return invalidated.length ? `invalidated ${invalidated.join(", ")}` : "no key seen here was invalidated";
  return (key ?? `status ${status}`) + (typeof detail === "string" ? ` (${detail})` : "");
}

function sentence(entry) {
  const { kind, cache, store, ttl, status, invalidated } = entry;
  if (kind === "hit") return `from Redis in ${ms(cache)}${ttl === undefined ? "" : `, ${ttl} s left`}.`;
  if (kind === "miss") return `from MongoDB in ${ms(store)}${ttl === undefined ? "" : `, kept for ${ttl} s`}.`;
  if (kind === "stale") return "MongoDB failed; an expired copy that is still right.";
  if (kind === "bypass") return `from MongoDB in ${ms(store)}, past the cache.`;
  if (kind === "write") return `${invalidated.length} of the keys seen here invalidated.`;
  return `status ${status || "none: no answer"}.`;
}

/** Cache and store as parts of the whole time, the whole on a scale that fits most answers. */
function bars({ cache, store }) {
  const bar = el("span", { className: "bars", "aria-hidden": "true" });
  const width = (value) => `${Math.min(100, Math.sqrt(value / 20) * 50)}%`;
  for (const [name, value] of [["cache", cache], ["store", store]]) {
    if (value === undefined) continue;
    const part = el("i", { className: name, title: `${name} ${ms(value)}` });
    part.style.width = width(value);
    bar.append(part);
  }
  const text = [cache !== undefined && `cache ${ms(cache)}`, store !== undefined && `store ${ms(store)}`].filter(Boolean).join(", ");
  bar.title = text;
  return el("span", { className: "bars-cell" }, bar, el("span", { className: "small soft" }, text));
}

function countDown() {
  const now = performance.now();
  for (const [entry, left] of rows) {
    if (!entry.ends || left.dataset.done) continue;
    const rest = (entry.ends - now) / 1000;
    const text = entry.gone ? "invalidated" : rest > 0 ? `${rest.toFixed(rest < 10 ? 1 : 0)} s left` : "expired";
    if (entry.gone || rest <= 0) left.dataset.done = "1";
    left.className = `left ${entry.gone ? "gone" : rest > 0 ? "live" : ""}`;
    left.textContent = text;
  }
}

/** What the store says that it spent, in ms: a hundred requests at once wait mostly for the browser. Writes do not say it. */
const spent = ({ cache, store, total }) => cache === undefined ? total : cache + (store ?? 0);

export function median(kind) {
  const times = requests.filter((entry) => entry.kind === kind).map(spent).sort((a, b) => a - b);
  return times.length ? times[Math.floor((times.length - 1) / 2)] : undefined;
}

function draw() {
  const of = (kind) => requests.filter((entry) => entry.kind === kind).length;
  const reads = of("hit") + of("miss") + of("bypass") + of("stale");
  $("ratio").textContent = reads ? `${Math.round((of("hit") / reads) * 100)} %` : "–";
  $("p50-hit").textContent = ms(median("hit"));
  $("p50-miss").textContent = ms(median("miss"));
  plot();
  const present = KINDS.filter((kind) => of(kind));
  $("legend").replaceChildren(...present.map((kind) => el("li", { className: kind },
    svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, svg("path", { d: SHAPES[kind](5, 5) })), `${kind} ${of(kind)}`)));
  $("plot").setAttribute("aria-label", present.length
    ? `Latencies of the last ${requests.length} requests. ${present.map((kind) => `${kind}: ${of(kind)}, median ${ms(median(kind))}`).join("; ")}.`
    : "Latencies: no request yet.");
}

/** The last requests from left to right, their latency on a logarithmic scale. */
function plot() {
  const [low, high, left, right, top, bottom] = [0.2, 1000, 44, 398, 8, 122];
  const y = (value) => bottom - (Math.log(Math.min(high, Math.max(low, value)) / low) / Math.log(high / low)) * (bottom - top);
  const step = (right - left) / 200;
  const parts = [];
  for (const mark of [1, 10, 100, 1000]) {
    parts.push(svg("line", { x1: left, x2: right, y1: y(mark), y2: y(mark) }));
    parts.push(svg("text", { x: left - 4, y: y(mark) + 3, "text-anchor": "end" }, mark === 1000 ? "1 s" : `${mark} ms`));
  }
  const offset = 200 - requests.length;
  requests.forEach((entry, index) => {
    const shape = SHAPES[entry.kind];
    const x = left + (requests.length < 50 ? index * 4 + 2 : offset + index) * step;
    if (shape) parts.push(svg("path", { class: `dot ${entry.kind}`, d: shape(Math.round(x * 10) / 10, Math.round(y(spent(entry)) * 10) / 10) }));
  });
  $("plot").replaceChildren(...parts);
}
