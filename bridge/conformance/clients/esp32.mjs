// What Atlas generated for microcontrollers, and a published ESP32 project sends (Alaytius/INCS-Project, database.ino): the old name of v1,
// HTTP/1.0, a key as `api-key`.
import assert from "node:assert/strict";
import { connect } from "node:net";

export const name = "ESP32 sketch (a transcription of its requests)";
export const version = "HTTP/1.0";

export async function run({ url, key, dataSource, database, called }) {
  const { hostname, port } = new URL(url);
  const post = (action, fields) => new Promise((resolve, reject) => {
    const body = JSON.stringify({ dataSource, database, collection: "sensors", ...fields });
    const socket = connect(Number(port), hostname, () => socket.write(
      `POST /app/any-app/endpoint/data/beta/action/${action} HTTP/1.0\r\nHost: ${hostname}\r\nContent-Type: application/json\r\n`
      + `Access-Control-Request-Headers: *\r\napi-key: ${key}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`));
    let answer = "";
    socket.setEncoding("utf8").on("data", (text) => { answer += text; }).on("error", reject);
    socket.on("end", () => resolve([answer.split(" ")[1], JSON.parse(answer.split("\r\n\r\n")[1])]));
  });
  const id = { $oid: "64224f3cd79f54ad342dd9b1" };
  assert.deepEqual(await post("insertOne", { document: { _id: id, readings: [] } }), ["201", { insertedId: id.$oid }]);
  called("insertOne");
  const filter = { _id: { $eq: id } };
  const update = { $set: { readings: [21.5, 22, 22.25] } };
  assert.deepEqual(await post("updateOne", { filter, update }), ["200", { matchedCount: 1, modifiedCount: 1 }]);
  called("updateOne");
  assert.deepEqual(await post("findOne", {}), ["200", { document: { _id: id.$oid, readings: [21.5, 22, 22.25] } }]);
  called("findOne without a filter");
}
