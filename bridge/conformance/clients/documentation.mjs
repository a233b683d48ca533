// The curl lines of MongoDB's documentation of the Data API, as its own test suite ran them against the service
// (github.com/mongodb/docs-app-services, examples/data-api, July 2025): the same headers and bodies, by curl. Those that log in send
// no Content-Type of their own.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

export const name = "curl, as documented";
export const version = (await promisify(execFile)("curl", ["--version"])).stdout.split(" ")[1];

const curl = async (...args) => {
  const { stdout } = await promisify(execFile)("curl", ["-s", ...args]);
  return stdout === "" ? undefined : JSON.parse(stdout);
};

export async function run({ url, endpoint, key, email, password, jwt, dataSource, database, called }) {
  const header = (name, value) => ["-H", `${name}: ${value}`];
  const post = (action, headers, collection, fields) =>
    curl(`${endpoint}/action/${action}`, "-X", "POST", ...headers, "-d", JSON.stringify({ dataSource, database, collection, ...fields }));
  const typed = [...header("apiKey", key), ...header("Content-Type", "application/ejson"), ...header("Accept", "application/json")];

  const greeting = { _id: { $oid: "64224f3cd79f54ad342dd9b1" }, text: "Hello, world!" };
  assert.deepEqual(await post("insertOne", typed, "hello", { document: greeting }), { insertedId: "64224f3cd79f54ad342dd9b1" });
  called("hello-world");

  await post("insertOne", typed, "movies", { document: { title: "The Matrix" } });
  const login = await curl(`${url}/api/client/v2.0/app/any-app/auth/providers/api-key/login`, "-X", "POST",
    ...header("Content-Type", "application/json"), ...header("Accept", "application/json"), "-d", JSON.stringify({ key }));
  const logins = [["apiKey", header("apiKey", key)], ["bearer", header("Authorization", `Bearer ${login.access_token}`)]];
  if (email) logins.push(["emailPassword", [...header("email", email), ...header("password", password)]]);
  if (jwt) logins.push(["jwtTokenString", header("jwtTokenString", jwt)]);
  for (const [how, headers] of logins) {
    const { document } = await post("findOne", [...header("Accept", "application/json"), ...headers], "movies", { filter: { title: "The Matrix" } });
    assert.equal(document.title, "The Matrix");
    called(`auth-${how}`);
  }

  const dishes = { _id: { $oid: "64224f3cd79f54ad342dd9b2" }, status: "open", text: "Do the dishes" };
  assert.deepEqual(await post("insertOne", typed, "tasks", { document: dishes }), { insertedId: dishes._id.$oid });
  called("insertOne");
  const more = [
    { _id: { $oid: "64224f4d089104f1766116a5" }, status: "open", text: "Mop the floor" },
    { _id: { $oid: "64224f57f56e634f459586f0" }, status: "open", text: "Clean the windows" },
  ];
  assert.deepEqual(await post("insertMany", typed, "tasks", { documents: more }), { insertedIds: more.map(({ _id }) => _id.$oid) });
  called("insertMany");
  const complete = (at) => ({ $set: { status: "complete", completedAt: { $date: { $numberLong: at } } } });
  const one = { filter: { _id: more[0]._id }, update: complete("1680105272788") };
  assert.deepEqual(await post("updateOne", typed, "tasks", one), { matchedCount: 1, modifiedCount: 1 });
  called("updateOne");
  const open = { filter: { status: "open" }, update: complete("1680105287069") };
  assert.deepEqual(await post("updateMany", typed, "tasks", open), { matchedCount: 2, modifiedCount: 2 });
  called("updateMany");
  const done = (id, text, at) => ({ _id: id.$oid, status: "complete", text, completedAt: at });
  assert.deepEqual(
    (await post("findOne", typed, "tasks", { filter: { text: "Do the dishes" } })).document,
    done(dishes._id, "Do the dishes", "2023-03-29T15:54:47.069Z"));
  called("findOne");
  const sorted = { filter: { status: "complete" }, sort: { completedAt: 1 }, limit: 10 };
  assert.deepEqual((await post("find", typed, "tasks", sorted)).documents, [
    done(more[0]._id, "Mop the floor", "2023-03-29T15:54:32.788Z"),
    done(dishes._id, "Do the dishes", "2023-03-29T15:54:47.069Z"),
    done(more[1]._id, "Clean the windows", "2023-03-29T15:54:47.069Z"),
  ]);
  called("find");
  const pipeline = [
    { $match: { status: "complete" } },
    { $group: { _id: "$status", count: { $sum: 1 }, tasks: { $push: "$text" } } },
    { $sort: { count: -1 } },
  ];
  assert.deepEqual((await post("aggregate", typed, "tasks", { pipeline })).documents, [
    { _id: "complete", count: 3, tasks: ["Do the dishes", "Mop the floor", "Clean the windows"] },
  ]);
  called("aggregate");
  const replacement = { status: "open", text: "Re-clean the windows" };
  assert.deepEqual(
    await post("replaceOne", typed, "tasks", { filter: { text: "Clean the windows" }, replacement }),
    { matchedCount: 1, modifiedCount: 1 });
  called("replaceOne");
  assert.deepEqual(await post("deleteOne", typed, "tasks", { filter: { _id: dishes._id } }), { deletedCount: 1 });
  called("deleteOne");
  assert.deepEqual(await post("deleteMany", typed, "tasks", { filter: { status: "complete" } }), { deletedCount: 1 });
  called("deleteMany");

  // data-types.sh: each type that its page shows.
  for (const [type, value] of Object.entries({
    Binary: { $binary: { base64: "46d989eaf0bde5258029534bc2dc2089", subType: "05" } },
    "Date-Canonical": { $date: { $numberLong: "1638551310749" } },
    "Date-Relaxed": { $date: "2021-12-03T17:08:30.749Z" },
    Decimal128: { $numberDecimal: "128452.420523" },
    "Double-Canonical": { $numberDouble: "23.847" },
    "Double-Relaxed": 23.847,
    "Int32-Canonical": { $numberInt: "2147483647" },
    "Int32-Relaxed": 2147483647,
    Int64: { $numberLong: "9223372036854775807" },
    ObjectId: { $oid: "61f02ea3af3561e283d06b91" },
  })) {
    const inserted = await post("insertOne", typed, "data-types", { document: { value } });
    assert.match(inserted.insertedId, /^[0-9a-f]{24}$/);
    called(type);
  }
}
