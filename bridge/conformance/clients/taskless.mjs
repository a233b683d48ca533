import assert from "node:assert/strict";

import { MongoClient, ObjectId } from "@taskless/mongo-data-api";

import { version as of } from "../version.mjs";

export const name = "@taskless/mongo-data-api (npm)";
export const version = of("@taskless/mongo-data-api");

export async function run({ endpoint, key, url, dataSource, database, called }) {
  const data = ({ data, error }) => {
    assert.equal(error, undefined);
    return data;
  };
  const client = new MongoClient({ endpoint, dataSource, auth: { apiKey: key } });
  const games = client.db(database).collection("games");

  // What JavaScript makes of a string cut in an emoji, and of a number that no 64-bit integer holds.
  const _id = new ObjectId();
  assert.ok(data(await games.insertOne({ _id, item: "smile \ud83d", wei: 1e20, at: new Date(0) })).insertedId);
  called("insertOne with half a surrogate pair and 1e20");
  const found = data(await games.findOne({ _id }));
  assert.deepEqual([found.item, found.wei], ["smile \ufffd", 1e20]);
  called("findOne");
  assert.equal(data(await games.insertMany([{ n: 1 }, { n: 2 }])).insertedIds.length, 2);
  called("insertMany");
  assert.deepEqual(data(await games.find({ n: { $gt: 0 } }, { sort: { n: -1 }, limit: 1, projection: { _id: 0 } })), [{ n: 2 }]);
  called("find");
  assert.equal(data(await games.updateOne({ n: 1 }, { $set: { seen: true } })).modifiedCount, 1);
  assert.equal(data(await games.updateMany({ n: { $gt: 0 } }, { $set: { seen: true } })).matchedCount, 2);
  assert.ok(data(await games.updateOne({ n: 9 }, { $set: { seen: true } }, { upsert: true })).upsertedId);
  called("updateOne, updateMany, upsert");
  assert.equal(data(await games.replaceOne({ n: 2 }, { n: 20 })).modifiedCount, 1);
  called("replaceOne");
  assert.deepEqual(data(await games.aggregate([{ $match: { n: 20 } }, { $count: "count" }])), [{ count: 1 }]);
  called("aggregate");
  assert.equal(data(await games.deleteOne({ n: 9 })).deletedCount, 1);
  assert.equal(data(await games.deleteMany({})).deletedCount, 3);
  called("deleteOne, deleteMany");

  const session = await fetch(`${url}/api/client/v2.0/app/any-app/auth/providers/api-key/login`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ key }),
  });
  const { access_token: bearerToken } = await session.json();
  const bearer = new MongoClient({ endpoint, dataSource, auth: { bearerToken } });
  assert.deepEqual(data(await bearer.db(database).collection("games").find({})), []);
  called("find with a bearer token");
  const stranger = new MongoClient({ endpoint, dataSource, auth: { apiKey: "wrong" } });
  assert.equal((await stranger.db(database).collection("games").find({})).error.code, 401);
  called("a wrong key");
}
