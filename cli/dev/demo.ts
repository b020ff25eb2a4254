import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openStore } from "../../adapters/store/open-store.ts";
import { isOpen } from "../../core/delivery/notification.ts";
import type { Audit } from "../../operations/audit/audit.ts";
import { readAudit } from "../../operations/audit/read-audit.ts";
import { PROVIDERS } from "../../providers/list.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Environment } from "../../runtime/config.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { channelTable, checksText, uncertainText } from "../audit/report.ts";
import { EXIT } from "../exit-status.ts";
import { connectGateway } from "../gateway/connect.ts";
import { readLines } from "../gateway/read-lines.ts";
import { type LineResult, sendLines } from "../gateway/send.ts";
import { createProgress } from "../progress.ts";
import { startDev } from "./dev.ts";
import { foreignText, withoutExports } from "./exports.ts";
import { EXAMPLES, registerExamples } from "./seed.ts";
import { openTempDir } from "./temp-dir.ts";

/** Longest wait until every example has ended, in ms. They take seconds; the rest is for a slow machine. */
const ENDED_MS = 120_000;
const POLL_MS = 250;

/** What a slow machine leaves in doubt is decided within the time above, too. */
const SHORT_WAITS: Environment = { UNCERTAIN_WAIT_CRITICAL_MS: "5000", UNCERTAIN_WAIT_MS: "20000" };

/** Starts the system, sends the examples, waits until every delivery has ended and audits. Resolves to the exit status: 0 only if every promise holds. */
export async function runDemo({
  env: given,
  file = join(EXAMPLES, "notifications.jsonl"),
}: {
  env: Environment;
  file?: string | undefined;
}): Promise<number> {
  const print = (text: string) => process.stdout.write(`${text}\n`);
  const startedAt = performance.now();
  const lines = await Array.fromAsync(readLines(file));
  using scratch = openTempDir("carillon-demo");
  const own = withoutExports(scratch.path, given);
  const { env } = own;
  for (const line of foreignText(own)) print(line);
  if (env.STORE_URL) await mustBeEmpty(env.STORE_URL);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    // A new app for each run: within its duplicate window JetStream would drop tasks with the ids of an earlier run.
    const app = `demo-${randomBytes(4).toString("hex")}`;
    const used: string[] = [];
    const onStart = (words: string) => words.startsWith("uses ") && used.push(words);
    await using system = await startDev({ directory: scratch.path, env: { ...SHORT_WAITS, ...env }, app, onStart });
    for (const words of used) print(`  ${words}`);
    const servers = [
      ...(env.NATS_URL ? [] : ["NATS"]),
      ...(env.REDIS_URL ? [] : ["Redis"]),
      ...(env.STORE_URL ? [] : ["an embedded store"]),
    ];
    await using store = await openStore(system.storeUrl);
    if (interrupted.signal.aborted) return reportInterrupted(print);
    print(
      `Carillon is up in ${((performance.now() - startedAt) / 1000).toFixed(1)} s: ${[`${system.roles.length} roles`, ...servers].join(", ")}, and a sandbox that simulates ${PROVIDERS.length} providers.`,
    );
    using clients = connectGateway(system.gatewayAddress, system.apiKey);
    const examples = await registerExamples(EXAMPLES, clients, system.sandbox);
    print(`Registered ${examples.contacts} endpoints of ${examples.users} users; ${examples.optOuts} opt-outs.\n`);

    const results: LineResult[] = [];
    const sending = createProgress("sent ", lines.length);
    await sendLines(lines, {
      client: clients.notifications,
      batch: 50,
      onResult(result) {
        results.push(result);
        sending.set(results.length, lines.length);
      },
    });
    sending.end();
    reportAnswers(results, print);

    const accepted = new Set(results.flatMap((r) => r.deliveries?.map((d) => d.id) ?? []));
    const ending = createProgress("ended", accepted.size);
    const giveUpAt = performance.now() + ENDED_MS;
    for (let open = 1; open > 0 && performance.now() < giveUpAt && !interrupted.signal.aborted; ) {
      const { deliveries } = await store.notifications.count();
      open = deliveries.filter((d) => isOpen(d.state)).reduce((sum, d) => sum + d.count, 0);
      ending.set(accepted.size - open, accepted.size);
      if (open > 0) await delay(POLL_MS);
    }
    ending.end();
    if (interrupted.signal.aborted) return reportInterrupted(print);

    const taken = system.sandbox.ledger.acceptances();
    const audit = await readAudit({ store, clock: systemClock }, { taken, accepted });
    print(`${channelTable(audit)}\n\n${uncertainText(audit)}\n`);
    print(`${checksText(audit)}\n`);
    const verdict = verdictOf(audit, accepted.size);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    print(`${accepted.size} deliveries accepted = ${audit.ended} ended + ${audit.open} open. ${VERDICTS[verdict]}; ${seconds} s in all.`);
    return verdict === "holds" ? EXIT.ok : EXIT.failed;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

/** The last line by verdict. A machine that is too slow to finish breaks no promise, and proves none. */
const VERDICTS = {
  holds: "Every promise holds",
  broken: "NOT every promise holds",
  unfinished: `Not finished: what is open had not ended after ${ENDED_MS / 1_000} s. No promise is broken; on a faster or idle machine all of it ends`,
} as const;

/** @param accepted deliveries that the gateway's answers named */
export function verdictOf(
  { checks, open, ended }: Pick<Audit, "open" | "ended"> & { checks: readonly { holds: boolean }[] },
  accepted: number,
): keyof typeof VERDICTS {
  if (!checks.every((check) => check.holds) || open + ended !== accepted) return "broken";
  return open > 0 ? "unfinished" : "holds";
}

async function mustBeEmpty(storeUrl: string): Promise<void> {
  await using store = await openStore(storeUrl);
  const { deliveries } = await store.notifications.count();
  if (deliveries.length > 0)
    throw new OperatorError("the store at STORE_URL is not empty; the demo audits the whole store, so it needs an empty one");
}

function reportInterrupted(print: (text: string) => void): number {
  print("Interrupted. Deliveries that had not ended are discarded with the demo's store.");
  return EXIT.interrupted;
}

/** Counts the answers of the gateway, and lists each rejected line. */
function reportAnswers(results: readonly LineResult[], print: (text: string) => void): void {
  const fresh = results.filter((r) => !r.error && !r.repeated).length;
  const repeated = results.filter((r) => r.repeated).length;
  const rejected = results.filter((r) => r.error);
  print(
    `${results.length} lines: ${fresh} accepted, ${repeated} with a repeated key (same answer), ${rejected.length} rejected by the gateway:`,
  );
  for (const { line, key, error } of rejected.sort((a, b) => a.line - b.line))
    print(`  line ${line} ${key ?? ""}: ${error?.code} ${error?.message}`);
  print("");
}
