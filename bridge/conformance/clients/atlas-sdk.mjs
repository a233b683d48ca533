// Deno's client, github.com/erfanium/atlas_sdk. It is not in a registry that Node reads, so these are its requests, transcribed from
// its client.ts of March 2024: Extended JSON both ways, and null for every option that is not given.
import assert from "node:assert/strict";

import { EJSON, ObjectId } from "bson";

export const name = "atlas_sdk (Deno; a transcription of its requests)";
export const version = "27867df";

export async function run({ endpoint, key, email, password, jwt, dataSource, database, called }) {
  const collection = (auth) => async (method, extra) => {
    const response = await fetch(`${endpoint}/action/${method}`, {
      method: "POST",
      headers: { "Content-Type": "application/ejson", Accept: "application/ejson", ...auth },
      // Not JSON.stringify, which leaves out what is undefined.
      body: EJSON.stringify({ collection: "users", database, dataSource, ...extra }),
    });
    const body = await response.text();
    if (!response.ok) throw new Error(`${response.statusText}: ${body}`);
    return EJSON.parse(body);
  };
  const users = collection({ "api-key": key });
  const none = { projection: undefined, sort: undefined, limit: undefined, skip: undefined };

  const _id = new ObjectId();
  assert.ok((await users("insertOne", { document: { _id, name: "ann", at: new Date(0) } })).insertedId.equals(_id));
  assert.equal((await users("insertMany", { documents: [{ n: 1 }, { n: 2 }] })).insertedIds.length, 2);
  called("insertOne, insertMany");
  const { document } = await users("findOne", { filter: { _id }, projection: undefined });
  assert.deepEqual(document, { _id, name: "ann", at: new Date(0) });
  called("findOne(filter)");
  assert.equal((await users("find", { filter: undefined, ...none })).documents.length, 3);
  called("find()");
  assert.equal((await users("find", { filter: { n: { $gt: 0 } }, ...none, limit: 1 })).documents.length, 1);
  called("find(filter, { limit })");
  const counts = { matchedCount: 1, modifiedCount: 1 };
  assert.deepEqual(await users("updateOne", { filter: { n: 1 }, update: { $set: { a: 1 } }, upsert: undefined }), counts);
  assert.deepEqual(await users("updateMany", { filter: { n: 2 }, update: { $set: { a: 1 } }, upsert: undefined }), counts);
  assert.deepEqual(await users("replaceOne", { filter: { n: 2 }, replacement: { n: 3 }, upsert: undefined }), counts);
  called("updateOne, updateMany, replaceOne");
  const counted = [{ $match: { n: { $gt: 0 } } }, { $skip: 1 }, { $limit: 9 }, { $group: { _id: 1, n: { $sum: 1 } } }];
  assert.deepEqual((await users("aggregate", { pipeline: counted })).documents, [{ _id: 1, n: 1 }]);
  called("aggregate, countDocuments");
  const estimated = [{ $collStats: { count: {} } }, { $group: { _id: 1, n: { $sum: "$count" } } }];
  assert.deepEqual((await users("aggregate", { pipeline: estimated })).documents, [{ _id: 1, n: 3 }]);
  called("estimatedDocumentCount");
  assert.deepEqual(await users("deleteOne", { filter: { n: 1 } }), { deletedCount: 1 });
  assert.deepEqual(await users("deleteMany", { filter: {} }), { deletedCount: 2 });
  called("deleteOne, deleteMany");
  for (const [how, auth] of [["email and password", email && { email, password }], ["jwtTokenString", jwt && { jwtTokenString: jwt }]]) {
    if (!auth) continue;
    assert.deepEqual((await collection(auth)("find", { filter: undefined, ...none })).documents, []);
    called(`find by ${how}`);
  }
}
