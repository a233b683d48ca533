// The console: which collections there are, the token where access is closed, and what the buttons do.

import { bus, onTokenWanted, send, setToken, token } from "./store.js";
import { $, el, say } from "./dom.js";
import * as editor from "./editor.js";
import * as experiments from "./experiments.js";
import * as table from "./table.js";
import * as timeline from "./timeline.js";

timeline.start();
table.start(async (id) => say($("table-problem"), await editor.edit(table.collection(), id)));
editor.start(table.reload);
experiments.start();
$("add").addEventListener("click", () => editor.add(table.collection(), table.example()));
$("seed").addEventListener("click", () => whole("initDB"));
$("purge").addEventListener("click", () => whole("purge"));

async function whole(route) {
  const answer = await send("POST", `/api/${route}/${encodeURIComponent(table.collection())}`);
  if (answer.ok) await table.open(table.collection()); else say($("table-problem"), answer.problem);
}

// The token.
const forget = el("button", { type: "button", className: "plain small" });
document.querySelector(".top").append(forget);
const showToken = () => { forget.textContent = token() ? "Forget the token" : "Give a token"; };
forget.addEventListener("click", async () => {
  if (token()) setToken(null);
  else if (await askForToken("Requests are sent without a token.") && !$("collections").children.length) await begin();
});
bus.addEventListener("token", showToken);
showToken();

let asking = null;
/** Asks once, however many requests were refused meanwhile. */
function askForToken(why) {
  asking ??= new Promise((given) => {
    $("token-why").textContent = why;
    $("token-value").value = "";
    const dialog = $("token");
    dialog.returnValue = "";
    dialog.showModal();
    dialog.onclose = () => {
      const value = $("token-value").value.trim();
      $("token-value").value = "";
      const use = dialog.returnValue === "use" && value !== "";
      if (use) setToken(value);
      asking = null;
      given(use);
    };
  });
  return asking;
}
$("token").querySelector("form").addEventListener("submit", (event) => { event.preventDefault(); $("token").close("use"); });
$("token-cancel").addEventListener("click", () => $("token").close("cancel"));
onTokenWanted(askForToken);

/** The collections are those that the index links to. */
async function collections() {
  const { json } = await send("GET", "/api/");
  const links = Object.values(json?.links ?? {}).map((link) => String(link).match(/\/showDB\/([^/?{]+)$/)?.[1]);
  return links.filter((name) => name && name !== "all").map(decodeURIComponent);
}

const open = (name) => {
  for (const tab of $("collections").children) tab.setAttribute("aria-pressed", String(tab.dataset.name === name));
  return table.open(name);
};

async function begin() {
  let names = await collections();
  if (!names.length) {
    // To those who may not read, the index names none. This is refused to them, so that they are asked for a token.
    const { ok, problem } = await send("GET", "/api/showDB/all");
    if (!ok) return say($("table-problem"), problem);
    names = await collections();
  }
  $("collections").replaceChildren(...names.map((name) => {
    const tab = el("button", { type: "button", "aria-pressed": "false" }, name);
    tab.dataset.name = name;
    tab.addEventListener("click", () => open(name));
    return tab;
  }));
  if (names.length) await open(names[0]); else say($("table-problem"), "No collection is open.");
}

$("reload").addEventListener("click", () => $("collections").children.length ? table.reload() : begin());
await begin();
