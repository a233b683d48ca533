// What mongodb-data-api and its fork do alike.
import assert from "node:assert/strict";

export async function tasks(api, { key, endpoint, database, dataSource, called }) {
  const tasks = api.createMongoDBDataAPI({ apiKey: key, urlEndpoint: endpoint })
    .$cluster(dataSource).$database(database).$collection("tasks");

  const at = { $date: "2021-03-04T05:06:07Z" };
  const { insertedId } = await tasks.insertOne({ document: { text: "Do the dishes", done: false, at } });
  assert.match(insertedId, /^[0-9a-f]{24}$/);
  called("insertOne");
  const many = await tasks.insertMany({ documents: [{ text: "Mop the floor", n: 1 }, { text: "Feed the dog", n: 2 }] });
  assert.equal(many.insertedIds.length, 2);
  called("insertMany");
  const { document } = await tasks.findOne({ filter: { _id: { $oid: insertedId } } });
  assert.deepEqual(document, { _id: insertedId, text: "Do the dishes", done: false, at: "2021-03-04T05:06:07.000Z" });
  assert.equal((await tasks.findOne({ filter: { text: "Nothing" } })).document, null);
  called("findOne");
  const found = await tasks.find({ filter: { n: { $gte: 1 } }, sort: { n: -1 }, limit: 1, projection: { _id: 0 } });
  assert.deepEqual(found.documents, [{ text: "Feed the dog", n: 2 }]);
  called("find");
  const update = { $set: { done: true } };
  assert.deepEqual(await tasks.updateOne({ filter: { n: 1 }, update }), { matchedCount: 1, modifiedCount: 1 });
  called("updateOne");
  assert.equal((await tasks.updateMany({ filter: {}, update: { $set: { seen: true } } })).matchedCount, 3);
  called("updateMany");
  const upserted = await tasks.updateOne({ filter: { n: 9 }, update: { $set: { text: "New" } }, upsert: true });
  assert.match(upserted.upsertedId, /^[0-9a-f]{24}$/);
  called("updateOne with upsert");
  assert.equal((await tasks.replaceOne({ filter: { n: 2 }, replacement: { text: "Replaced" } })).modifiedCount, 1);
  called("replaceOne");
  const groups = await tasks.aggregate({ pipeline: [{ $group: { _id: null, count: { $sum: 1 } } }] });
  assert.deepEqual(groups.documents, [{ _id: null, count: 4 }]);
  called("aggregate");
  assert.deepEqual(await tasks.deleteOne({ filter: { n: 9 } }), { deletedCount: 1 });
  called("deleteOne");
  assert.deepEqual(await tasks.deleteMany({ filter: {} }), { deletedCount: 3 });
  called("deleteMany");
  const stranger = api.createMongoDBDataAPI({ apiKey: "wrong", urlEndpoint: endpoint });
  // One of the two throws, the other hands the error on.
  const answer = await stranger.findOne({ dataSource, database, collection: "tasks", filter: {} }).catch((error) => error);
  assert.match(`${answer} ${JSON.stringify(answer)}`, /401|InvalidSession/);
  called("a wrong key");
}
