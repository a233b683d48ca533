// Three experiments. Each asks the store, and says in a sentence what came of it.

import { brief, document_, listing, ms, plural, same, send, sleep } from "./store.js";
import { $, badge, el } from "./dom.js";
import { collection, text } from "./table.js";

const READERS = 100;
let number = Math.floor(Math.random() * 1e6);

export function start() {
  for (const [id, run] of [["stampede", stampede], ["expiry", expiry], ["write", write]]) {
    const card = $(id);
    const [button] = card.querySelectorAll("button");
    const steps = card.querySelector("ol");
    const say = (text) => { card.querySelector("output").textContent = text; };
    button.addEventListener("click", async () => {
      button.disabled = true;
      steps?.replaceChildren();
      say("");
      try {
        say(await run(card, (text, { kind }) => steps.append(el("li", {}, badge(kind), el("span", {}, text)))));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        say(`The experiment ended early: ${error.message}`);
      } finally {
        button.disabled = false;
      }
    });
  }
}

class Refused extends Error {}

async function ask(method, path, options) {
  const answer = await send(method, path, options);
  if (!answer.ok) throw new Refused(answer.problem);
  return answer;
}

/** A listing that nobody has asked for yet, so that it is not in the cache. */
const cold = () => `${listing(collection())}?_id%5Bne%5D=nobody-${++number}&limit=50`;

async function stampede() {
  const path = cold();
  const start = performance.now();
  const answers = await Promise.all(Array.from({ length: READERS }, () => send("GET", path)));
  const took = performance.now() - start;
  const count = (kind) => answers.filter(({ entry }) => entry?.kind === kind).length;
  const failed = answers.find(({ ok }) => !ok);
  if (failed) throw new Refused(failed.problem);
  const [hits, misses, others] = [count("hit"), count("miss"), READERS - count("hit") - count("miss")];
  const past = others ? ` ${plural(others, "answer")} went past the cache.` : "";
  return `${READERS} readers asked for a page that was not cached. MongoDB was asked ${misses === 1 ? "once" : `${misses} times`}; `
    + `the other ${hits} were answered from Redis, all within ${ms(took)}.${past}`;
}

async function expiry(card, step) {
  const path = cold();
  const bar = card.querySelector("progress");
  const stop = card.querySelector(".stop");
  let stopped = false;
  stop.onclick = () => { stopped = true; };
  const first = await ask("GET", path);
  step("read at 0.0 s", first.entry);
  const { ttl } = first.entry;
  if (!ttl) return "The answer was not cached, so there is no TTL that could end.";
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
  stop.hidden = bar.hidden = false;
  try {
    const second = await ask("GET", path);
    step(`read at ${seconds()} s, ${second.entry.ttl} s left`, second.entry);
    // Whole seconds are told, rounded down: the copy may live for nearly one more.
    while (performance.now() - began < ttl * 1000 + 150 && !stopped) {
      bar.value = Math.min(1, (performance.now() - began) / (ttl * 1000));
      await sleep(100);
    }
    if (stopped) return `Stopped after ${seconds()} s of ${ttl} s.`;
    let last = await ask("GET", path);
    for (let tries = 0; last.entry.kind === "hit" && tries < 20; tries++) {
      await sleep(150);
      last = await ask("GET", path);
    }
    step(`read at ${seconds()} s`, last.entry);
    return last.entry.kind === "hit"
      ? `The copy was still there after ${seconds()} s: somebody else's miss has stored it again.`
      : `The copy lived for ${ttl} s. Until then Redis answered; after that the copy was gone, and MongoDB was asked again.`;
  } finally {
    stop.hidden = bar.hidden = true;
  }
}

/** A document, and a field of it to change: a number, if there is one, the last (a price comes late). */
function changeable(documents) {
  for (const type of ["number", "string"]) {
    for (const each of documents) {
      const field = Object.keys(each).findLast((name) => name !== "_id" && typeof each[name] === type);
      if (field) return [each, field];
    }
  }
  return [];
}

async function write(card, step) {
  const name = collection();
  const list = `${listing(name)}?limit=50`;
  const { json: documents } = await ask("GET", list);
  const [{ _id: id } = {}, field] = changeable(documents);
  if (!field) return "There is no document here that could be changed. Reset the collection to the sample data.";
  const [get, update] = ["get", "update"].map((verb) => document_(verb, name, text(id)));
  await ask("GET", get);
  const before = await ask("GET", get);
  const listed = await ask("GET", list);
  step(`${brief(before.entry.key)}, ${field} is ${before.json[field]}`, before.entry);
  step(brief(listed.entry.key), listed.entry);
  const old = before.json[field];
  const wanted = typeof old === "number" ? Math.round((old + 1) * 100) / 100 : `${old} *`;
  const condition = (answer) => answer.headers.get("ETag") ? { "If-Match": answer.headers.get("ETag") } : {};
  const written = await ask("PUT", update, { body: { [field]: wanted }, headers: condition(before) });
  step(`${field} becomes ${wanted}`, written.entry);
  const [after, relisted] = [await ask("GET", get), await ask("GET", list)];
  step(`${brief(after.entry.key)}, ${field} is ${after.json[field]}`, after.entry);
  step(brief(relisted.entry.key), relisted.entry);
  // As it was.
  await ask("PUT", update, { body: { [field]: old }, headers: condition(after) });
  const gone = [[before, after], [listed, relisted]].filter(([was, is]) => was.entry.kind === "hit" && is.entry.kind === "miss").map(([was]) => brief(was.entry.key));
  const right = after.json[field] === wanted && relisted.json.find(({ _id }) => same(_id, id))?.[field] === wanted;
  return `The write took ${ms(written.entry.total)} and invalidated ${plural(gone.length, "key")} that had been hits: ${gone.join(" and ") || "none"}. `
    + `The next reads ${right ? `came from MongoDB and were right: ${field} was ${wanted}` : "were not right"}. Now it is ${old} again.`;
}
