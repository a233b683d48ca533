// A package's version, as it is installed.
import { readFileSync } from "node:fs";

export const version = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8")).version;
