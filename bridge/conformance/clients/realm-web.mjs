// MongoDB's own library for browsers and Workers: login, session, and the database by functions.
import assert from "node:assert/strict";

import { App, BSON, Credentials } from "realm-web";

import { version as of } from "../version.mjs";

export const name = "realm-web (npm)";
export const version = of("realm-web");

export async function run({ url, key, endpoint, dataSource, database, called }) {
  const app = new App({ id: "any-app", baseUrl: url });
  const user = await app.logIn(Credentials.apiKey(key));
  assert.match(user.id, /^[0-9a-f]{24}$/);
  assert.deepEqual(user.identities.map(({ providerType }) => providerType), ["api-key"]);
  called("logIn, profile");
  const find = (token) => fetch(`${endpoint}/action/find`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ dataSource, database, collection: "tasks", filter: {} }),
  });
  assert.equal((await find(user.accessToken)).status, 200);
  await user.refreshAccessToken();
  assert.equal((await find(user.accessToken)).status, 200);
  called("refreshAccessToken");

  const games = user.mongoClient(dataSource).db(database).collection("games");
  const _id = new BSON.ObjectId();
  const at = new Date("2021-03-04T05:06:07.089Z");
  assert.deepEqual(await games.insertOne({ _id, item: "Doom", year: 1993, at }), { insertedId: _id });
  called("insertOne");
  assert.equal((await games.insertMany([{ item: "Quake", year: 1996 }, { item: "Zelda", year: 1986 }])).insertedIds.length, 2);
  called("insertMany");
  assert.deepEqual(await games.findOne({ _id }), { _id, item: "Doom", year: 1993, at });
  assert.equal(await games.findOne({ item: "Nothing" }), null);
  called("findOne");
  assert.equal((await games.find()).length, 3);
  const recent = await games.find({ year: { $gt: 1990 } }, { projection: { _id: 0, item: 1 }, sort: { year: -1 }, limit: 1 });
  assert.deepEqual(recent, [{ item: "Quake" }]);
  called("find");
  assert.equal(await games.count(), 3);
  assert.equal(await games.count({ year: { $gt: 1990 } }, { limit: 1 }), 1);
  called("count");
  assert.deepEqual(await games.aggregate([{ $group: { _id: null, years: { $sum: "$year" } } }]), [{ _id: null, years: 5975 }]);
  called("aggregate");
  assert.deepEqual(await games.updateOne({ _id }, { $set: { tags: ["fps", "old"] } }), { matchedCount: 1, modifiedCount: 1 });
  const old = { arrayFilters: [{ tag: "old" }] };
  assert.equal((await games.updateMany({ _id }, { $set: { "tags.$[tag]": "classic" } }, old)).modifiedCount, 1);
  assert.deepEqual((await games.findOne({ _id })).tags, ["fps", "classic"]);
  assert.ok((await games.updateOne({ item: "New" }, { $set: { year: 1 } }, { upsert: true })).upsertedId instanceof BSON.ObjectId);
  called("updateOne, updateMany, arrayFilters, upsert");
  assert.equal((await games.findOneAndUpdate({ item: "New" }, { $inc: { year: 1 } })).year, 1);
  assert.equal((await games.findOneAndUpdate({ item: "New" }, { $inc: { year: 1 } }, { returnNewDocument: true })).year, 3);
  called("findOneAndUpdate");
  const replaced = await games.findOneAndReplace({ item: "New" }, { item: "Newer" }, { returnNewDocument: true, projection: { _id: 0 } });
  assert.deepEqual(replaced, { item: "Newer" });
  called("findOneAndReplace");
  assert.equal((await games.findOneAndDelete({ item: "Newer" })).item, "Newer");
  assert.equal(await games.count({ item: "Newer" }), 0);
  called("findOneAndDelete");
  assert.deepEqual(await games.deleteOne({ _id }), { deletedCount: 1 });
  assert.deepEqual(await games.deleteMany({}), { deletedCount: 2 });
  called("deleteOne, deleteMany");
  await assert.rejects(games.aggregate([{ $out: "elsewhere" }]), /not allowed/);
  await assert.rejects(user.callFunction("ofTheApp"), /function not found/);
  called("what is refused");

  await assert.rejects(app.logIn(Credentials.apiKey("wrong")), /401/);
  await assert.rejects(app.logIn(Credentials.emailPassword("nobody@shop.example", "wrong")), /401/);
  called("wrong credentials");
  // The same session, ended from elsewhere first.
  const elsewhere = await fetch(`${url}/api/client/v2.0/auth/session`, {
    method: "DELETE", headers: { Authorization: `Bearer ${user.refreshToken}` },
  });
  assert.equal(elsewhere.status, 204);
  await user.logOut();
  called("logOut of a session that has ended");
  const guest = await app.logIn(Credentials.anonymous());
  assert.deepEqual(guest.identities.map(({ providerType }) => providerType), ["anon-user"]);
  const open = guest.mongoClient(dataSource).db(database);
  assert.deepEqual(await open.collection("open").find(), []);
  await assert.rejects(open.collection("games").find(), /no rule allows/);
  await guest.logOut();
  called("an anonymous user");
  const again = await app.logIn(Credentials.apiKey(key));
  await again.logOut();
  called("logOut");
}
