// PyMongo's Extended JSON, in its three modes: what a Python program sends, and reads back.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const python = process.env.BRIDGE_PYTHON ?? "python3";
const script = new URL("../json_util.py", import.meta.url).pathname;
const run_ = async (args, env) => (await promisify(execFile)(python, [script, ...args], { env: { ...process.env, ...env } })).stdout.trim();

export const name = "PyMongo's json_util (PyPI)";
export const version = await run_(["version"], {});

export async function run({ endpoint, key, dataSource, database, called }) {
  const lines = (await run_(["run"], { ENDPOINT: endpoint, KEY: key, SOURCE: dataSource, DATABASE: database })).split("\n");
  assert.equal(lines.length, 3);
  lines.forEach(called);
}
