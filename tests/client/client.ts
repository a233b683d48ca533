// The client as anybody would make it, with an eye on it: each call is noted, and its answer is held against the description.
import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import createClient, { type Middleware } from "openapi-fetch";
import type { paths } from "./api.js";

const { BASE_URL: baseUrl, ADMIN_TOKEN: token } = process.env;
assert.ok(baseUrl && token, "BASE_URL and ADMIN_TOKEN say where the store is and what lets in");

/** `GET /api/`, …: what was called. */
export const called = new Set<string>();

const description = await (await fetch(`${baseUrl}/openapi.json`)).json();
const ajv = new Ajv2020({ strict: false, schemas: { api: description } });

/** What a reference stands for, and where it is in the description. */
function resolve(path: string[]): { path: string[]; value: any } {
  const value = path.reduce((value, name) => value?.[name], description);
  return value?.$ref ? resolve(value.$ref.slice(2).split("/")) : { path, value };
}

async function check(operation: string[], answer: Response): Promise<string | undefined> {
  const responses = resolve([...operation, "responses"]).value;
  const status = String(answer.status) in responses ? String(answer.status) : "default";
  if (answer.status < 400 && status === "default") return `no response ${answer.status} is described`;
  const { path, value } = resolve([...operation, "responses", status]);
  for (const [name, header] of Object.entries<any>(value.headers ?? {})) {
    if (header.required && !answer.headers.has(name)) return `${name} is missing`;
  }
  const text = await answer.text();
  if (!value.content) return text && "a body, and none is described";
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "";
  if (!(type in value.content)) return `the content type ${type} is not described`;
  if (!/[/+](json|ejson)$/.test(type)) return;
  const pointer = [...path, "content", type, "schema"].map((name) => name.replaceAll("~", "~0").replaceAll("/", "~1"));
  const validate = ajv.getSchema(`api#/${pointer.map(encodeURIComponent).join("/")}`);
  assert.ok(validate, pointer.join("/"));
  if (!validate(JSON.parse(text))) return ajv.errorsText(validate.errors);
}

const watch: Middleware = {
  async onResponse({ request, response, schemaPath }) {
    called.add(`${request.method} ${schemaPath}`);
    const mistake = await check(["paths", schemaPath, request.method.toLowerCase()], response.clone());
    assert.ok(!mistake, `${request.method} ${request.url}: ${response.status}: ${mistake}`);
  },
};

const options = {
  baseUrl,
  headers: { Authorization: `Bearer ${token}` },
  // `price[lt]=20`, as the description says of `filter`; the client would write `filter[price[lt]]=20`.
  querySerializer: { object: { style: "form", explode: true } },
} as const;

/** Speaks plain JSON. */
export const client = createClient<paths, "application/json" | "application/problem+json">(options);
client.use(watch);

/** Speaks Extended JSON, in which every value keeps its type. */
export const extended = createClient<paths, "application/ejson" | "application/problem+json">({
  ...options,
  headers: { ...options.headers, Accept: "application/ejson", "Content-Type": "application/ejson" },
});
extended.use(watch);

/** Has no token. */
export const stranger = createClient<paths, "application/json" | "application/problem+json">({ baseUrl });
stranger.use(watch);
