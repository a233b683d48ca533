// A hit as a Node server answers it: Fastify and ioredis with auto-pipelining.
//
// It does what the store does for a hit (one GET, the SHA-1 of the body as entity tag, the headers that say where the
// answer came from, 304), and nothing of what the store does besides.
//
// node server.js PORT REDIS_URL

import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";

import Fastify from "fastify";
import { Redis } from "ioredis";

const [port, redisUrl] = process.argv.slice(2);
const redis = new Redis(redisUrl, { enableAutoPipelining: true });
const server = Fastify({ logger: false });

server.get("/health/live", async () => "alive");

server.get("/api/showDB/:collection", async (request, reply) => {
  const began = performance.now();
  const key = `${request.params.collection}:list`;
  const body = await redis.getBuffer(key);
  if (body === null) {
    return reply.code(404).send();
  }
  const took = performance.now() - began;
  const etag = `"${createHash("sha1").update(body).digest("hex")}"`;
  reply.header("cache-control", "no-cache");
  reply.header("x-cache", "HIT");
  reply.header("cache-status", `redis; hit; key="${key}"`);
  reply.header("server-timing", `cache;dur=${took.toFixed(1)}`);
  reply.header("etag", etag);
  if (request.headers["if-none-match"] === etag) {
    return reply.code(304).send();
  }
  return reply.type("application/json").send(body);
});

await server.listen({ host: "127.0.0.1", port: Number(port) });
