// How much of Redis does an opt-out take, beside a plain set of UUIDs? node bench/opt-out-memory.ts [--members 1000000] [--intset 512,4096]
import { randomUUID } from "node:crypto";
import { parseArgs } from "node:util";
import { OPT_OUT_BUCKETS } from "../adapters/opt-outs/opt-out-keys.ts";
import { createOptOutSets } from "../adapters/opt-outs/opt-out-sets.ts";
import { newChain } from "../adapters/opt-outs/write-chain.ts";
import { connectRedis } from "../adapters/redis/connect.ts";
import { startLocalRedis } from "../cli/dev/local-servers.ts";
import { userSubject } from "../core/preferences/opt-out.ts";
import { INTSET_ENTRIES_DEFAULT, optOutMemory } from "../operations/opt-out-memory/opt-out-memory.ts";
import { createLogger } from "../runtime/logger.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Records handed over at once. */
const CHUNK = 4_096;

const { values } = parseArgs({ options: { members: { type: "string", default: "1000000" }, intset: { type: "string" } } });
const members = Number(values.members);
const intsets = (values.intset ?? `${INTSET_ENTRIES_DEFAULT}`).split(",").map(Number);
if (![members, ...intsets].every((n) => Number.isSafeInteger(n) && n > 0)) {
  process.stderr.write("usage: node bench/opt-out-memory.ts [--members N] [--intset N,N]\n");
  process.exit(2);
}

await using stack = new AsyncDisposableStack();
const { path: directory } = stack.use(temporaryDirectory());
const server = stack.use(await startLocalRedis({ directory }));
const redis = stack.use(await connectRedis(server.url, { log: createLogger("bench", "silent") }));
const patient = redis.duplicate({ commandTimeout: 30_000, socketTimeout: 30_000 });
stack.defer(() => patient.disconnect());
await patient.connect();
const info = async (section: string, name: string) => new RegExp(`^${name}:([^\\r\\n]+)`, "m").exec(await patient.info(section))?.[1] ?? "";
const used = async () => Number(await info("memory", "used_memory"));

/** The sets as the preferences service fills them: one opt-out of one category for each user. */
async function fillSets(): Promise<number> {
  const sets = createOptOutSets(patient);
  const all = Array.from({ length: OPT_OUT_BUCKETS }, (_, bucket) => bucket);
  const [only, chain, mark] = [new Set(all), newChain("bench"), "1"];
  const before = await used();
  await sets.markBuckets(all, mark, chain);
  for (let first = 0; first < members; first += CHUNK) {
    const records = Array.from({ length: Math.min(CHUNK, members - first) }, (_, i) => ({
      ...{ app: "bench", subject: userSubject(`user-${first + i}`), version: 1, updatedAt: 0, consents: [], blocks: [] },
      optOuts: [{ channel: "email" as const, category: "news" }],
    }));
    await sets.fill(records, only, chain);
  }
  await sets.seal(all, mark, chain);
  return (await used()) - before;
}

/** What one would write first: a set for the channel and category, with the users' ids. */
async function fillPlain(): Promise<number> {
  const before = await used();
  for (let first = 0; first < members; first += CHUNK)
    await patient.sadd("plain", ...Array.from({ length: Math.min(CHUNK, members - first) }, () => randomUUID()));
  return (await used()) - before;
}

const row = (what: string, bytes: number) =>
  process.stdout.write(`| ${what} | ${(bytes / 2 ** 20).toFixed(1)} MiB | ${(bytes / members).toFixed(1)} B |\n`);

const version = (await info("server", "valkey_version")) || (await info("server", "redis_version"));
const memAllocator = await info("memory", "mem_allocator");
const allocator = memAllocator.startsWith("jemalloc") ? "jemalloc" : "libc";
process.stdout.write(`${members} members, Redis or Valkey ${version}, ${memAllocator}\n\n`);
process.stdout.write("| | in all | each |\n| --- | ---: | ---: |\n");
for (const intsetEntries of intsets) {
  await patient.config("SET", "set-max-intset-entries", String(intsetEntries));
  row(`opt-out sets with set-max-intset-entries ${intsetEntries}, measured`, await fillSets());
  for (const of of new Set([allocator, "jemalloc"] as const))
    row(`predicted for ${of}`, optOutMemory(members, { intsetEntries, allocator: of }).bytes);
  await patient.flushall();
}
row("one set of UUIDs, measured", await fillPlain());
