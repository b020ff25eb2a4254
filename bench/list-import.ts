// How fast are lists imported, and with how much memory? node bench/list-import.ts [--lines 1000000] [--list opt-outs] [--store URL]
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openStore } from "../adapters/store/open-store.ts";
import { startLocalRedis } from "../cli/dev/local-servers.ts";
import { grantApiKey } from "../operations/apps/apps.ts";
import { startCli } from "../test/e2e/cli-process.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const APP = "bench";
const SAMPLE_MS = 50;
const AT_ONCE = 10_000;

/** A line of each list; every fifth person has two. */
const LISTS: Readonly<Record<string, { header: string; line(n: number): string }>> = {
  "opt-outs": { header: "user_id,channel,category", line: (n) => `user-${n - (n % 5 === 4 ? 1 : 0)},email,c${n % 7}` },
  suppressions: { header: "email_address,kind,reason", line: (n) => `person.${n}@example.org,bounce,550 5.1.1 no such user` },
  contacts: { header: "user_id,email_address,registered_at", line: (n) => `user-${n},person.${n}@example.org,2026-01-05T12:00:00Z` },
};

const { values } = parseArgs({
  options: { lines: { type: "string", default: "1000000" }, list: { type: "string", default: "opt-outs" }, store: { type: "string" } },
});
const [lines, list] = [Number(values.lines), LISTS[values.list]];
if (!Number.isSafeInteger(lines) || lines < 1 || !list) {
  process.stderr.write(`usage: node bench/list-import.ts [--lines N] [--list ${Object.keys(LISTS).join("|")}] [--store URL]\n`);
  process.exit(2);
}

await using stack = new AsyncDisposableStack();
const { path: directory } = stack.use(temporaryDirectory());
const redis = stack.use(await startLocalRedis({ directory }));
const env = {
  STORE_URL: values.store ?? `sqlite:${join(directory, "store.sqlite")}`,
  STORE_ALLOW_STANDALONE: "true",
  REDIS_URL: redis.url,
};
{
  await using store = await openStore(env.STORE_URL);
  await grantApiKey(store.apps, { id: APP });
}
const file = join(directory, "list.csv");
await pipeline(Readable.from(text()), createWriteStream(file));

for (const [what, args] of [
  ["import", ["import", file]],
  ["again, all of it stored already", ["import", file]],
  ["export", ["export", "--out", join(directory, "out.csv")]],
] as const) {
  await using running = startCli([values.list, ...args, "--app", APP], env);
  const began = performance.now();
  let peakMib = 0;
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      peakMib = Math.max(peakMib, residentPeakMib(running.child.pid));
      await delay(SAMPLE_MS);
    }
  })();
  const { code, stderr } = await running.ended;
  isOver = true;
  await sampling;
  const seconds = (performance.now() - began) / 1_000;
  if (code !== 0) throw new Error(`${what} ended with ${code}: ${stderr}`);
  process.stdout.write(
    `${what}: ${lines} lines in ${seconds.toFixed(1)} s, ${Math.round(lines / seconds)}/s, ${Math.round(peakMib)} MiB at most\n`,
  );
}

function* text(): Generator<string> {
  yield `${list!.header}\n`;
  for (let first = 0; first < lines; first += AT_ONCE)
    yield Array.from({ length: Math.min(AT_ONCE, lines - first) }, (_, i) => `${list!.line(first + i)}\n`).join("");
}

/** The highest so far. Linux. */
function residentPeakMib(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;
  } catch {
    return 0;
  }
}
