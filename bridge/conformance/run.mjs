// Clients of the retired service against a bridge: nothing in them is changed but the address.
//
//   npm ci
//   BRIDGE_URL=http://127.0.0.1:4000 BRIDGE_KEY=… node run.mjs [NAME]
//
// Prints a table: each client, its version, the calls that were made and checked. The key must be allowed everything. With
// BRIDGE_EMAIL, BRIDGE_PASSWORD and BRIDGE_JWT the documentation's examples log in by those too.
import { readdir } from "node:fs/promises";

const [, , only = ""] = process.argv;
const folder = new URL("clients/", import.meta.url);
const files = (await readdir(folder)).filter((file) => file.endsWith(".mjs") && file.includes(only)).sort();

const { BRIDGE_URL: url, BRIDGE_KEY: key, BRIDGE_EMAIL: email, BRIDGE_PASSWORD: password, BRIDGE_JWT: jwt } = process.env;
if (!url || !key) throw new Error("BRIDGE_URL and BRIDGE_KEY say where the bridge is and what lets in");

let failed = 0;
for (const [place, file] of files.entries()) {
  const { name, version, run } = await import(new URL(file, folder));
  const calls = [];
  const bridge = {
    url, key, email, password, jwt,
    endpoint: `${url}/app/any-app/endpoint/data/v1`,
    dataSource: "mongodb-atlas",
    database: `clients_${process.pid}_${place}`,
    // Notes a call that was answered as the client expects.
    called: (call) => calls.push(call),
  };
  try {
    await run(bridge);
    console.log(`ok      ${name} ${version}: ${calls.length} calls: ${calls.join(", ")}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name} ${version}: after ${calls.at(-1) ?? "nothing"}: ${error?.stack ?? error}`);
  }
}
console.log(`${files.length - failed} clients passed, ${failed} failed`);
process.exitCode = failed === 0 && files.length > 0 ? 0 : 1;
