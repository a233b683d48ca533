// Two client libraries of the retired service, unchanged, against a bridge: only the base URL is another.
//
//   npm ci --omit=dev
//   BRIDGE_URL=http://127.0.0.1:4000 BRIDGE_KEY=… node clients.mjs
import assert from "node:assert/strict";

import api from "mongodb-data-api";
import { App, Credentials } from "realm-web";

const { BRIDGE_URL: url, BRIDGE_KEY: apiKey } = process.env;

const database = `clients_${process.pid}`;
const urlEndpoint = `${url}/app/any-app/endpoint/data/v1`;
const tasks = api.createMongoDBDataAPI({ apiKey, urlEndpoint })
  .$cluster("mongodb-atlas").$database(database).$collection("tasks");

const { insertedId } = await tasks.insertOne({ document: { text: "Do the dishes", done: false, at: { $date: "2021-03-04T05:06:07Z" } } });
assert.match(insertedId, /^[0-9a-f]{24}$/);
const many = await tasks.insertMany({ documents: [{ text: "Mop the floor", n: 1 }, { text: "Feed the dog", n: 2 }] });
assert.equal(many.insertedIds.length, 2);
const { document } = await tasks.findOne({ filter: { _id: { $oid: insertedId } } });
assert.deepEqual(document, { _id: insertedId, text: "Do the dishes", done: false, at: "2021-03-04T05:06:07.000Z" });
assert.equal((await tasks.findOne({ filter: { text: "Nothing" } })).document, null);
const found = await tasks.find({ filter: { n: { $gte: 1 } }, sort: { n: -1 }, limit: 1, projection: { _id: 0 } });
assert.deepEqual(found.documents, [{ text: "Feed the dog", n: 2 }]);
assert.deepEqual(
  await tasks.updateOne({ filter: { n: 1 }, update: { $set: { done: true } } }), { matchedCount: 1, modifiedCount: 1 });
assert.equal((await tasks.updateMany({ filter: {}, update: { $set: { seen: true } } })).matchedCount, 3);
const upserted = await tasks.updateOne({ filter: { n: 9 }, update: { $set: { text: "New" } }, upsert: true });
assert.match(upserted.upsertedId, /^[0-9a-f]{24}$/);
assert.equal((await tasks.replaceOne({ filter: { n: 2 }, replacement: { text: "Replaced" } })).modifiedCount, 1);
const groups = await tasks.aggregate({ pipeline: [{ $group: { _id: null, count: { $sum: 1 } } }] });
assert.deepEqual(groups.documents, [{ _id: null, count: 4 }]);
assert.deepEqual(await tasks.deleteOne({ filter: { n: 9 } }), { deletedCount: 1 });
assert.deepEqual(await tasks.deleteMany({ filter: {} }), { deletedCount: 3 });
const stranger = api.createMongoDBDataAPI({ apiKey: "wrong", urlEndpoint });
await assert.rejects(
  stranger.findOne({ dataSource: "mongodb-atlas", database, collection: "tasks", filter: {} }),
  (error) => /401/.test(JSON.stringify(error)) || /401/.test(String(error)));
console.log("mongodb-data-api 0.4.0: ten actions and a wrong key");

// MongoDB's own library: logs in, refreshes its session, and hands out the access token for the Data API.
const app = new App({ id: "any-app", baseUrl: url });
const user = await app.logIn(Credentials.apiKey(apiKey));
assert.match(user.id, /^[0-9a-f]{24}$/);
assert.deepEqual(user.identities.map(({ providerType }) => providerType), ["api-key"]);
const find = (token) => fetch(`${urlEndpoint}/action/find`, {
  method: "POST",
  headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
  body: JSON.stringify({ dataSource: "mongodb-atlas", database, collection: "tasks", filter: {} }),
});
const first = user.accessToken;
assert.equal((await find(first)).status, 200);
await user.refreshAccessToken();
assert.equal((await find(user.accessToken)).status, 200);
await assert.rejects(app.logIn(Credentials.apiKey("wrong")), /401/);
await assert.rejects(app.logIn(Credentials.emailPassword("nobody@shop.example", "wrong")), /401/);
await user.logOut();
console.log("realm-web 2.0.1: login, profile, refresh, logout");
