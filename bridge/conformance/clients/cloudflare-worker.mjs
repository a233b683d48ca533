// MongoDB's tutorial for Cloudflare Workers (github.com/mongodb-developer/cloudflare-worker-rest-api-atlas, src/index.ts of March 2024): the
// calls that its worker makes with realm-web for each of its routes.
import assert from "node:assert/strict";

import { App, BSON, Credentials } from "realm-web";

export const name = "cloudflare-worker-rest-api-atlas (the calls of its routes)";
export const version = "4085633";

export async function run({ url, key, database, called }) {
  const user = await new App({ id: "worker-app", baseUrl: url }).logIn(Credentials.apiKey(key));
  const todos = user.mongoClient("mongodb-atlas").db(database).collection("todos");
  const { insertedId } = await todos.insertOne({ owner_id: user.id, done: false, todo: "Move to the bridge" });
  called("POST /api/todos");
  const _id = new BSON.ObjectID(insertedId.toHexString());
  assert.deepEqual(await todos.findOne({ _id }), { _id, owner_id: user.id, done: false, todo: "Move to the bridge" });
  called("GET /api/todos?id=");
  assert.equal((await todos.find()).length, 1);
  called("GET /api/todos");
  assert.deepEqual(await todos.updateOne({ _id }, { $set: { done: true } }), { matchedCount: 1, modifiedCount: 1 });
  called("PATCH /api/todos?id=&done=");
  assert.deepEqual(await todos.deleteOne({ _id }), { deletedCount: 1 });
  called("DELETE /api/todos?id=");
}
