// The part of a relay that removes what is older than its retention, alone in a process, for as many ms as it is asked to.
import { openStore } from "../../adapters/store/open-store.ts";
import { CONTENT_DAYS, METADATA_DAYS, readDays, retentionOfDays } from "../../core/apps/retention.ts";
import { createRelayMetrics } from "../../relay/metrics.ts";
import { createRetentionRound } from "../../relay/retention.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { answering } from "../answering.ts";

export interface RetentionOrder {
  ms: number;
  /** As RETENTION_BUDGET_MS. */
  budgetMs: number;
}

export interface Removed {
  contents: number;
  notifications: number;
}

const [storeUrl = ""] = process.argv.slice(2);
const opened = await openStore(storeUrl, { hasWriterThread: true });
const removed: Removed = { contents: 0, notifications: 0 };
const store = {
  ...opened,
  deleteContent: async (...given: Parameters<typeof opened.deleteContent>) => {
    const result = await opened.deleteContent(...given);
    removed.contents += result.notifications;
    return result;
  },
  purge: async (...given: Parameters<typeof opened.purge>) => {
    const result = await opened.purge(...given);
    removed.notifications += result.notifications;
    return result;
  },
};
const metrics = createRelayMetrics(createMetrics("bench", { defaults: false }));
const retention = retentionOfDays(
  readDays(String(CONTENT_DAYS.default), CONTENT_DAYS),
  readDays(String(METADATA_DAYS.default), METADATA_DAYS),
);

answering(async ({ ms, budgetMs }: RetentionOrder): Promise<Removed> => {
  Object.assign(removed, { contents: 0, notifications: 0 });
  const parts = { store, retention, budgetMs, metrics, worker: "bench", clock: systemClock, log: createLogger("bench", "error") };
  await createRetentionRound({ ...parts, signal: AbortSignal.timeout(ms) })();
  return removed;
});
