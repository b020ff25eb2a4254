// How much of Redis does one claim take, and one rejection? By used_memory before and after.
import { randomBytes } from "node:crypto";
import { createClaimGate } from "../adapters/redis/claims.ts";
import { connectRedis } from "../adapters/redis/connect.ts";
import { startLocalRedis } from "../cli/dev/local-servers.ts";
import { createLogger } from "../runtime/logger.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const CLAIMS = 100_000;
const AT_ONCE = 5_000;
/** As a pod is called. */
const HOLDER = "dispatcher-apns@carillon-dispatcher-apns-7c9f8d6b5-x2x7q-1a2b3c4d:1234567";

await using stack = new AsyncDisposableStack();
const { path: directory } = stack.use(temporaryDirectory());
const server = stack.use(await startLocalRedis({ directory }));
const redis = stack.use(await connectRedis(server.url, { log: createLogger("bench", "silent") }));
const used = async () => Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);

const gate = createClaimGate(redis);
const before = await used();
for (let i = 0; i < CLAIMS; i += AT_ONCE)
  await Promise.all(Array.from({ length: AT_ONCE }, () => gate.mayTry(`${randomBytes(16).toString("hex")}-0/1`, HOLDER, 600_000)));
const kept = await redis.dbsize();
process.stdout.write(`a claim: ${Math.round(((await used()) - before) / kept)} B (n=${kept})\n`);
