// The real gateway, relay, feedback and purge, each in a simulated process that may die at any call. Their main.ts connects them to servers; this
// connects them to the simulated parts.
import type { ContentBounds } from "../../core/content/reference.ts";
import { UNCERTAIN_WAIT_MS } from "../../core/delivery/decide.ts";
import { IN_DOUBT_REPEATS } from "../../core/delivery/in-doubt.ts";
import type { Receipt } from "../../core/delivery/receipt.ts";
import { createReceipts } from "../../feedback/apply.ts";
import { createFeedbackMetrics } from "../../feedback/metrics.ts";
import { type Accept, createAccept } from "../../gateway/accept.ts";
import { createGatewayMetrics } from "../../gateway/metrics.ts";
import { confirmationOf, PROVIDERS } from "../../providers/list.ts";
import { createRelayMetrics } from "../../relay/metrics.ts";
import type { Outbox } from "../../relay/outbox.ts";
import { createRelay } from "../../relay/relay.ts";
import { createResume } from "../../relay/resume.ts";
import { callError } from "../../runtime/call-error.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { noQuotas } from "../support/no-quotas.ts";
import { optOutsOf, portsOf, type Surroundings } from "./ports.ts";
import type { SimulatedProcess } from "./process.ts";

const relayMetrics = createRelayMetrics(createMetrics("relay"));
const feedbackMetrics = createFeedbackMetrics(createMetrics("feedback"));
const gatewayMetrics = createGatewayMetrics(createMetrics("gateway"));

/** As the roles are configured: some providers answer status queries, some do not. */
const statusQueryFirstMs = (provider: string) => PROVIDERS.find(({ name }) => name === provider)?.statusQuery?.firstMs;
const inDoubt = { uncertainWaitMs: UNCERTAIN_WAIT_MS, inDoubtRepeats: IN_DOUBT_REPEATS, confirmationOf, statusQueryFirstMs };

export const POLL_MS = 1_000;
const atLimit = callError("RESOURCE_EXHAUSTED", "RATE_LIMITED", "at a limit", { retryAfterMs: 1_000 });
/** Requests that may wait for an insert in one gateway. */
const INSERTS_WAITING_MAX = 3;
/** Contents that one purge removes at most. */
const PURGE_MAX = 3;
/** Small, so that some texts are stored by reference; kept only briefly after their last use, so that purges and new uses coincide. */
const CONTENT_BOUNDS: ContentBounds = { inlineBytesMax: 64, keepMs: 2_000, keepStepMs: 1 };

/** Returns a function that removes the contents whose time to be kept is over. */
export function createPurger({ store, checker, simulation }: Surroundings, process: SimulatedProcess): () => Promise<void> {
  const contents = process.wrap("contents", store.contents, "store");
  return async () => {
    // Most purges would remove nothing.
    if (!store.contents.inside.areOld(process.clock.now())) return;
    const removed = await contents.purge(process.clock.now(), PURGE_MAX).catch(() => 0);
    if (removed > 0) simulation.happened("content purged");
    checker.purged();
  };
}

export function createGateway(around: Surroundings, process: SimulatedProcess): Accept {
  return createAccept({
    ...portsOf(around, process),
    optOuts: optOutsOf(around, process),
    contentBounds: CONTENT_BOUNDS,
    load: { isFull: () => around.simulation.happens("overload", 0.05), accepted: () => {}, run: async () => {} },
    quotas: {
      ...noQuotas,
      takeRate: async (_app, classes) => classes.map(() => (around.simulation.happens("at a limit", 0.05) ? atLimit : undefined)),
    },
    ...{ pushHosts: [], insertsWaitingMax: INSERTS_WAITING_MAX, metrics: gatewayMetrics },
  });
}

export function createRelayRole(around: Surroundings, process: SimulatedProcess): Outbox {
  const ports = portsOf(around, process);
  const { attempts } = ports.store;
  const record: typeof attempts.record = (results) => {
    if (!process.dead)
      around.checker.declaredLost(
        process,
        results.map((r) => r.id),
      );
    return attempts.record(results);
  };
  const store = { ...ports.store, attempts: { ...attempts, record } };
  return createRelay({ ...ports, store, pollMs: POLL_MS, ...inDoubt, metrics: relayMetrics });
}

/** One look of a relay at what operators have resumed. */
export function createResumeRole(around: Surroundings, process: SimulatedProcess): () => Promise<void> {
  const { store, ...ports } = portsOf(around, process);
  const { steering, lease } = around.store;
  return createResume({
    ...ports,
    // Reading what is open is many calls in truth; here it is one that does not fail.
    store: {
      notifications: { ...store.notifications, open: around.store.notifications.open },
      steering: process.wrap("steering", steering, "store"),
      lease: process.wrap("lease", { lease }, "store").lease,
    },
    metrics: relayMetrics,
  });
}

/** No simulated receipt says anything of a recipient. */
const nothingLearned = async (): Promise<void> => {
  throw new Error("a simulated receipt says something of its recipient");
};

export function createFeedback(around: Surroundings, process: SimulatedProcess) {
  const { store, recorder, clock, log, worker, failpoint } = portsOf(around, process);
  const receipts = createReceipts({ store, recorder, clock, log, worker, failpoint, metrics: feedbackMetrics, learn: nothingLearned });
  return { apply: (receipt: Receipt) => receipts.apply([receipt]) };
}
