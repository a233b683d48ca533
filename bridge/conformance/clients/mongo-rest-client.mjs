import assert from "node:assert/strict";

import { MongoDB } from "mongo-rest-client";

import { version as of } from "../version.mjs";

export const name = "mongo-rest-client (npm)";
export const version = of("mongo-rest-client");

export async function run({ endpoint, key, dataSource, database, called }) {
  const { games } = MongoDB.connect({
    baseUrl: endpoint,
    apiKey: key,
    clusterName: dataSource,
    dbName: database,
    schemaBuilder: (db) => ({ games: db.collection("games") }),
  });
  const doom = await games.insertOne({ item: "Doom", year: 1993 });
  assert.match(doom._id, /^[0-9a-f]{24}$/);
  called("insertOne");
  const more = await games.insertMany([{ item: "Quake", year: 1996 }, { item: "Zelda", year: 1986 }]);
  assert.match(more[1]._id, /^[0-9a-f]{24}$/);
  called("insertMany");
  assert.deepEqual(await games.findOne({ _id: { $oid: doom._id } }), doom);
  assert.equal(await games.findOne({ item: "Nothing" }), undefined);
  called("findOne");
  assert.equal((await games.find()).length, 3);
  assert.deepEqual((await games.find({ filter: { year: { $gt: 1990 } }, sort: { year: -1 } })).map(({ item }) => item), ["Quake", "Doom"]);
  called("find");
  assert.deepEqual(await games.updateOne({ item: "Doom" }, { $inc: { year: 1 } }), { matchedCount: 1, modifiedCount: 1 });
  called("updateOne");
  assert.deepEqual(await games.updateMany({}, { $set: { seen: true } }), { matchedCount: 3, modifiedCount: 3 });
  called("updateMany");
  assert.deepEqual(await games.deleteOne({ item: "Doom" }), { deletedCount: 1 });
  called("deleteOne");
  assert.deepEqual(await games.deleteMany({}), { deletedCount: 2 });
  called("deleteMany");
}
