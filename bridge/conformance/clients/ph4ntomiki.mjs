// It has the service's address built in, under the old name `beta`: its own option for another fetch replaces it.
import assert from "node:assert/strict";

import createMongoClient from "@ph4ntomiki/mongodb-data-api-client";
import { version as of } from "../version.mjs";

export const name = "@ph4ntomiki/mongodb-data-api-client (npm)";
export const version = of("@ph4ntomiki/mongodb-data-api-client");

export async function run({ url, key, dataSource, database, called }) {
  const elsewhere = (address, options) => fetch(address.replace("https://data.mongodb-api.com", url), options);
  const games = createMongoClient("any-app", key, dataSource, { fetch: elsewhere }).db(database).collection("games");

  const { insertedId } = await games.insertOne({ item: "Doom", year: 1993, at: new Date("1969-07-20T20:17:40Z") });
  assert.match(insertedId, /^[0-9a-f]{24}$/);
  called("insertOne");
  assert.equal((await games.insertMany([{ item: "Quake", year: 1996 }, { item: "Zelda", year: 1986 }])).insertedIds.length, 2);
  called("insertMany");
  const found = await games.findOne({ item: /^Doo/ });
  assert.deepEqual([found._id, found.year, found.at], [insertedId, 1993, "1969-07-20T20:17:40.000Z"]);
  called("findOne with a RegExp");
  const titles = (await games.find({ year: { $gt: 1990 } }, { sort: { year: -1 }, limit: 5 })).map(({ item }) => item);
  assert.deepEqual(titles, ["Quake", "Doom"]);
  assert.equal((await games.findMany({})).length, 3);
  called("find, findMany");
  assert.deepEqual(await games.updateOne({ item: "Doom" }, { $set: { price: 5 } }), { matchedCount: 1, modifiedCount: 1 });
  assert.equal((await games.updateMany({}, { $set: { seen: true } })).modifiedCount, 3);
  assert.equal((await games.update({ item: "New" }, { $set: { year: 1 } }, { upsert: true })).matchedCount, 0);
  called("updateOne, updateMany, update with upsert");
  assert.equal((await games.replaceOne({ item: "Quake" }, { item: "Quake II" }, {})).modifiedCount, 1);
  called("replaceOne");
  assert.deepEqual((await games.aggregate([{ $match: { item: "Quake II" } }, { $count: "n" }])).documents, [{ n: 1 }]);
  called("aggregate");
  assert.deepEqual(await games.deleteOne({ item: "New" }), { deletedCount: 1 });
  assert.deepEqual(await games.delete({}), { deletedCount: 3 });
  called("deleteOne, deleteMany");
}
