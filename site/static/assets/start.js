// The start page: one document, read, read again and changed, with the way that each request took.

import { send, ms } from "./store.js";
import { $, badge, el } from "./dom.js";

const READ = "/api/get/games/Celeste?field=item";
const WRITE = "/api/update/games/Celeste?field=item";
const WIRES = ["to-redis", "from-redis", "to-mongo", "from-mongo", "redis", "mongo"];
const WAY = {
  hit: ["to-redis", "redis", "from-redis"],
  miss: WIRES, stale: WIRES, bypass: WIRES, write: WIRES, error: [], other: [],
};

// Why the next miss will be one: nothing was read yet, the copy's time was over, or a write deleted the copy.
let state = "unread";

/** Makes one button the next to press. */
function next(id) {
  for (const button of document.querySelectorAll("#read, #again, #change")) button.classList.toggle("primary", button.id === id);
}

/** Lights the way of an answer, and says it. */
function show({ entry }, ...sentences) {
  const kind = entry?.kind ?? "error";
  for (const id of WIRES) {
    const lit = WAY[kind].includes(id);
    $(id).classList.remove("on", "off", "hit", "miss", "stale", "bypass", "write", "error");
    $(id).classList.add(lit ? "on" : "off", kind);
  }
  const time = (id, value) => {
    $(id).textContent = value === undefined ? "" : ms(value);
    $(id).setAttribute("class", `time ${kind}`);
  };
  time("cache-time", entry?.cache);
  time("store-time", entry?.store);
  $("wire-note").textContent = kind.toUpperCase();
  $("wire-note").setAttribute("class", `time ${kind}`);
  $("says").className = `says ${kind}`;
  $("says").replaceChildren(el("p", {}, badge(kind), " ", el("span", { className: "mono" }, `${entry?.method ?? ""} ${entry?.path ?? ""}`)),
    ...sentences.map((sentence) => el("p", {}, sentence)));
}

const NO_COPY = {
  unread: "Redis had no copy.",
  read: "The copy in Redis had expired.",
  changed: "The write had deleted the copy in Redis, so nobody is shown the old price.",
};

const MEANS = {
  hit: (e) => `Redis had a copy and answered in ${ms(e.cache)}. MongoDB was not asked. The copy lives for ${e.ttl} more seconds.`,
  miss: (e) => `${NO_COPY[state]} MongoDB was asked, which took ${ms(e.store)}, and Redis keeps its answer for ${e.ttl ?? "a few"} seconds. Read it again!`,
  bypass: () => "Redis could not be asked. MongoDB answered, as it always can.",
  stale: () => "MongoDB did not answer. Redis had an expired copy that is still right: no write has changed it since.",
};

async function read() {
  const answer = await send("GET", READ);
  const empty = answer.status === 404;
  $("seed").hidden = !empty;
  if (empty) show(answer, "There is no such game in MongoDB yet. Put the sample games in first.");
  else if (!answer.ok) show(answer, answer.problem, closed(answer));
  else {
    const { kind } = answer.entry;
    show(answer, MEANS[kind]?.(answer.entry) ?? "", `${answer.json.item} costs ${answer.json.price}.`);
    state = "read";
    next(kind === "hit" ? "change" : "again");
  }
  return answer;
}

const closed = ({ status }) => status === 401 || status === 403 ? "The console asks for a token, for this tab alone." : "";

async function change() {
  const before = await read();
  if (!before.ok) return;
  const price = Math.round((10 + Math.random() * 50) * 100) / 100;
  const answer = await send("PUT", WRITE, { body: { price } });
  if (!answer.ok) show(answer, answer.problem, closed(answer));
  else {
    show(answer, `The price is ${price} in MongoDB now. Before the store said so, it deleted the stale copies from Redis: an invalidation.`,
      "Read it again: that is a miss, and the price is the new one.");
    state = "changed";
    next("again");
  }
}

async function seed() {
  const answer = await send("POST", "/api/initDB/games");
  if (!answer.ok) return show(answer, answer.problem, closed(answer));
  $("seed").hidden = true;
  show(answer, "The sample games are in MongoDB. Read one.");
}

for (const [id, action] of [["read", read], ["again", read], ["change", change], ["seed", seed]]) {
  $(id).addEventListener("click", action);
}
