// A client made from the API's description calls every route of it. Prints what it called, a line each.
import assert from "node:assert/strict";
import { called, client, extended, stranger } from "./client.js";

const games = { collection: "games" };

/** The data of an answer that must have this status. */
function data<T>(status: number, answer: { data?: T; error?: unknown; response: Response }): T {
  assert.equal(answer.response.status, status, JSON.stringify(answer.error));
  assert.ok(answer.data !== undefined);
  return answer.data;
}

/** What an answer says was wrong. */
function problem<T>(status: number, answer: { error?: T; response: Response }): T {
  assert.equal(answer.response.status, status);
  assert.ok(answer.error !== undefined);
  return answer.error;
}

function header(answer: { response: Response }, name: string): string {
  const value = answer.response.headers.get(name);
  assert.ok(value, name);
  return value;
}

async function theService() {
  assert.equal(data(200, await client.GET("/health/live")).status, "live");
  const ready = data(200, await client.GET("/health/ready"));
  assert.deepEqual([ready.redis.status, ready.data_api.status], ["up", "up"]);
  const index = data(200, await client.GET("/api/"));
  assert.equal(index.name, "store-api");
  assert.ok(index.routes.some((route) => route.path === "/api/showDB/{collection}"));
  assert.equal(data(200, await client.GET("/openapi.json"))["openapi"], "3.1.0");
}

async function collections() {
  const all = { params: { path: { collection: "all" } } };
  assert.ok(data(200, await client.POST("/api/cleanDB/{collection}", all)).deleted >= 0);
  assert.equal(data(200, await client.POST("/api/initDB/{collection}", { params: { path: games } })).inserted, 8);
  assert.equal(data(200, await client.DELETE("/api/cleanDB/{collection}", { params: { path: games } })).deleted, 8);
  assert.ok(data(200, await client.POST("/api/initDB/{collection}", all)).inserted >= 14);
  const shown = data(200, await client.GET("/api/showDB/all"));
  assert.deepEqual([shown["games"]?.length, shown["clients"]?.[0]?.["membership"]], [8, "Gold"]);
  const typed = data(200, await extended.GET("/api/showDB/all"));
  assert.ok(typed["games"]?.every((game) => "$oid" in (game["_id"] as object)));

  const params = { path: games };
  await client.GET("/api/showDB/{collection}", { params });
  assert.equal(header(await client.GET("/api/showDB/{collection}", { params }), "X-Cache"), "HIT");
  assert.match(data(200, await client.POST("/api/purge/{collection}", { params })).message, /games/);
  assert.equal(header(await client.GET("/api/showDB/{collection}", { params }), "X-Cache"), "MISS");
}

async function listings() {
  const filter = { "price[lt]": "30", platforms: "PC" };
  const query = { filter, sort: "-price,item", fields: "item,price", limit: 2, count: true };
  const page = await client.GET("/api/showDB/{collection}", { params: { path: games, query } });
  const documents = data(200, page);
  assert.deepEqual(documents.map((game) => Object.keys(game)), [["_id", "item", "price"], ["_id", "item", "price"]]);
  assert.ok(Number(header(page, "X-Total-Count")) > 2);
  const after = /[?&]after=([^&>]*)[^>]*>; *rel="next"/.exec(header(page, "Link"))?.[1];
  assert.ok(after);
  const next = { ...query, after: decodeURIComponent(after) };
  const more = data(200, await client.GET("/api/showDB/{collection}", { params: { path: games, query: next } }));
  assert.ok(more[0] && documents.every((game) => game._id !== more[0]?._id));
  const found = { path: games, query: { q: "celeste", skip: 0 } };
  assert.equal(data(200, await client.GET("/api/showDB/{collection}", { params: found }))[0]?.["item"], "Celeste");

  const listing = await client.GET("/api/showDB/{collection}", { params: { path: games } });
  const params = { path: games, header: { "If-None-Match": header(listing, "ETag") } };
  assert.equal((await client.GET("/api/showDB/{collection}", { params })).response.status, 304);
  const unknown = { path: games, query: { filter: { "price[near]": "1" } } };
  assert.match(problem(400, await client.GET("/api/showDB/{collection}", { params: unknown })).detail, /near/);
}

async function documents() {
  const add = (body: { _id?: string | number; item: string; price?: number }, headers = {}) =>
    client.POST("/api/add/{collection}", { params: { path: games, header: headers }, body });
  const added = await add({ _id: 7, item: "Hades", price: 24.99 }, { "If-None-Match": "*" });
  const created = data(201, added);
  assert.ok("item" in created);
  assert.deepEqual([created.id, created.item["price"]], [7, 24.99]);
  assert.equal(header(added, "Location"), "/api/get/games/7");
  problem(412, await add({ _id: 7, item: "Hades" }, { "If-None-Match": "*" }));
  problem(409, await add({ _id: 7, item: "Hades" }));
  const retry = { "Idempotency-Key": "the-same-key-twice" };
  const twice = [await add({ item: "Journey" }, retry), await add({ item: "Journey" }, retry)];
  assert.deepEqual(data(201, twice[0]!), data(201, twice[1]!));
  problem(422, await add({ item: "Flower" }, retry));
  const body = [{ item: "Ico" }, { item: "Okami" }];
  const many = data(201, await client.POST("/api/add/{collection}", { params: { path: games }, body }));
  assert.ok("ids" in many);
  assert.deepEqual([many.inserted, many.ids.length], [2, 2]);

  const path = { ...games, value: 7 };
  const read = await client.GET("/api/get/{collection}/{value}", { params: { path } });
  assert.equal(data(200, read)["item"], "Hades");
  const versions = { "If-None-Match": header(read, "ETag") };
  const again = await client.GET("/api/get/{collection}/{value}", { params: { path, header: versions } });
  assert.equal(again.response.status, 304);
  const byItem = { path: { ...games, value: "Okami" }, query: { field: "item" } };
  assert.equal(data(200, await client.GET("/api/get/{collection}/{value}", { params: byItem }))._id, many.ids[1]);
  const missing = { path: { ...games, value: "nothing like it" } };
  assert.match(problem(404, await client.GET("/api/get/{collection}/{value}", { params: missing })).title, /Not Found/);

  const unchanged = { path, header: { "If-Match": header(read, "ETag") } };
  const put = await client.PUT("/api/update/{collection}/{value}", { params: unchanged, body: { price: 20, year: 2020 } });
  assert.deepEqual([data(200, put).id, data(200, put).modified], [7, 1]);
  problem(412, await client.PUT("/api/update/{collection}/{value}", { params: unchanged, body: { price: 19 } }));
  const patch = { params: { path }, body: { year: null }, headers: { "Content-Type": "application/merge-patch+json" } };
  assert.equal(data(200, await client.PATCH("/api/update/{collection}/{value}", patch)).matched, 1);
  assert.deepEqual(data(200, await client.GET("/api/get/{collection}/{value}", { params: { path } })), {
    _id: 7, item: "Hades", price: 20,
  });
  problem(412, await client.DELETE("/api/delete/{collection}/{value}", { params: unchanged }));
  const deleted = data(200, await client.DELETE("/api/delete/{collection}/{value}", { params: { path } }));
  assert.deepEqual([deleted.id, deleted.deleted_instance], [7, "7"]);
  problem(404, await client.DELETE("/api/delete/{collection}/{value}", { params: { path } }));
}

/** A price that is a Decimal128 and a date are written, read and written again, and are the same. */
async function types() {
  const body = { _id: "typed", item: "Ico", price: { $numberDecimal: "9.90" }, released: { $date: { $numberLong: "0" } } };
  const created = data(201, await extended.POST("/api/add/{collection}", { params: { path: games }, body }));
  assert.ok("item" in created);
  assert.deepEqual(created.item, body);
  const path = { ...games, value: "typed" };
  const read = await extended.GET("/api/get/{collection}/{value}", { params: { path } });
  const { _id, ...fields } = data(200, read);
  assert.deepEqual({ _id, ...fields }, body);
  const params = { path, header: { "If-Match": header(read, "ETag") } };
  for (const write of [extended.PUT, extended.PATCH]) {
    assert.equal((await write("/api/update/{collection}/{value}", { params, body: fields })).response.status, 200);
  }
  const query = { filter: { "price[gte]": "9.9", "price[lt]": "9.91" } };
  assert.deepEqual(data(200, await extended.GET("/api/showDB/{collection}", { params: { path: games, query } })), [body]);
}

async function withoutAToken() {
  const refused = await stranger.POST("/api/initDB/{collection}", { params: { path: games } });
  const { status, detail, error } = problem(401, refused);
  assert.deepEqual([status, detail], [401, error]);
}

await theService();
await collections();
await listings();
await documents();
await types();
await withoutAToken();
console.log([...called].sort().join("\n"));
