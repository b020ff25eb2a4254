import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openStore } from "../../adapters/store/open-store.ts";
import { isOpen } from "../../core/delivery/notification.ts";
import { readAudit } from "../../operations/audit/read-audit.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Environment } from "../../runtime/config.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { channelTable, checksText, uncertainText } from "../audit/report.ts";
import { connectGateway } from "../gateway/connect.ts";
import { type LineResult, readLines, sendLines } from "../gateway/send.ts";
import { createProgress } from "../progress.ts";
import { startDev } from "./dev.ts";
import { sayWho } from "./seed.ts";
import { INTERRUPTED, openTempDir } from "./temp-dir.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
/** Everything in the examples has ended long before; a minute is for a busy machine. */
const ENDED_MS = 120_000;
const LOOK_EVERY_MS = 250;

/** Starts everything, sends the examples, waits for every end, counts. Resolves to the exit status: 0 only when every promise holds. */
export async function runDemo({
  env,
  file = join(EXAMPLES, "notifications.jsonl"),
}: {
  env: Environment;
  file?: string | undefined;
}): Promise<number> {
  const say = (text: string) => process.stdout.write(`${text}\n`);
  const startedAt = performance.now();
  if (env.STORE_URL) await mustBeEmpty(env.STORE_URL);
  using scratch = openTempDir("carillon-demo");
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    // An app of its own: JetStream may still remember the tasks of the run before, and would call these duplicates.
    const app = `demo-${randomBytes(4).toString("hex")}`;
    await using system = await startDev({ directory: scratch.path, env, app });
    await using store = await openStore(system.storeUrl);
    if (interrupted.signal.aborted) return sayInterrupted(say);
    say(
      `Carillon is up in ${((performance.now() - startedAt) / 1000).toFixed(1)} s: 9 services, NATS, Redis, an embedded store, and a sandbox that plays seven providers.`,
    );
    using clients = connectGateway(system.gatewayAddress, system.apiKey);
    const setting = await sayWho(EXAMPLES, clients, system.sandbox);
    say(`Registered ${setting.contacts} endpoints of ${setting.users} users; ${setting.optOuts} opt-outs.\n`);

    const results: LineResult[] = [];
    const lines = await Array.fromAsync(readLines(file));
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
    sayAnswers(results, say);

    const accepted = new Set(results.flatMap((r) => r.deliveries?.map((d) => d.id) ?? []));
    const ending = createProgress("ended", accepted.size);
    const giveUpAt = performance.now() + ENDED_MS;
    for (let open = 1; open > 0 && performance.now() < giveUpAt && !interrupted.signal.aborted; ) {
      const { deliveries } = await store.notifications.count();
      open = deliveries.filter((d) => isOpen(d.state)).reduce((sum, d) => sum + d.count, 0);
      ending.set(accepted.size - open, accepted.size);
      if (open > 0) await delay(LOOK_EVERY_MS);
    }
    ending.end();
    if (interrupted.signal.aborted) return sayInterrupted(say);

    const taken = system.sandbox.ledger.acceptances();
    const audit = await readAudit({ store, clock: systemClock }, { taken, accepted });
    say(`${channelTable(audit)}\n\n${uncertainText(audit)}\n`);
    say(`${checksText(audit)}\n`);
    const everyEnded = audit.open === 0 && accepted.size === audit.ended;
    const holds = everyEnded && audit.checks.every((c) => c.holds);
    say(
      `${accepted.size} deliveries accepted = ${audit.ended} ended + ${audit.open} open. ${holds ? "Every promise holds" : "NOT every promise holds"}; ${((performance.now() - startedAt) / 1000).toFixed(1)} s in all.`,
    );
    return holds ? 0 : 1;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

async function mustBeEmpty(storeUrl: string): Promise<void> {
  await using store = await openStore(storeUrl);
  const { deliveries } = await store.notifications.count();
  if (deliveries.length > 0)
    throw new OperatorError("the store at STORE_URL is in use; the demo counts all there is, so give it an empty one");
}

function sayInterrupted(say: (text: string) => void): number {
  say("Interrupted. What had not ended goes with its store.");
  return INTERRUPTED;
}

/** How the gateway answered, and each line it rejected. */
function sayAnswers(results: readonly LineResult[], say: (text: string) => void): void {
  const fresh = results.filter((r) => !r.error && !r.repeated).length;
  const repeated = results.filter((r) => r.repeated).length;
  const rejected = results.filter((r) => r.error);
  say(
    `${results.length} lines: ${fresh} accepted, ${repeated} repeated with a known key (same answer), ${rejected.length} rejected at the door:`,
  );
  for (const { line, key, error } of rejected.sort((a, b) => a.line - b.line))
    say(`  line ${line} ${key ?? ""}: ${error?.code} ${error?.message}`);
  say("");
}
