import type { AppRecord } from "../core/apps/app.ts";
import { CONTENT_BOUNDS, type ContentBounds } from "../core/content/reference.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import { accepted } from "../core/delivery/transitions.ts";
import type { Failpoint } from "../core/failpoints.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { DayCount } from "../core/ports/quota-counters.ts";
import type { Store } from "../core/ports/store.ts";
import { costOf, recordBytes } from "../core/quotas/cost.ts";
import { BatchFullError } from "../runtime/batch.ts";
import { type CallError, callError } from "../runtime/call-error.ts";
import { errorLine } from "../runtime/logger.ts";
import type { SampledLog } from "../runtime/sampled-log.ts";
import { NOTIFICATION_BYTES_MAX, overloaded, tooLarge, unreadable } from "./accept-bounds.ts";
import type { AcceptResult, FirstAnswer } from "./first-answer.ts";
import { createInserts } from "./inserts.ts";
import { takeOutLarge } from "./large-content.ts";
import type { Load } from "./load.ts";
import type { GatewayMetrics } from "./metrics.ts";
import { createOverrideCount } from "./overrides.ts";
import type { Publishing } from "./publishing.ts";
import type { Quotas } from "./quotas.ts";
import type { Candidate } from "./screen.ts";

export interface StoringParts {
  store: Pick<Store, "notifications" | "contents">;
  contentBounds?: ContentBounds | undefined;
  recorder: EventRecorder;
  load: Load;
  quotas: Quotas;
  insertsWaitingMax: number;
  failpoint: Failpoint;
  clock: Clock;
  metrics: GatewayMetrics;
}

/** The last step of accepting: what was routed and built becomes durable, or is only validated, and is counted and charged. */
export function createStoring(
  parts: StoringParts,
  answering: FirstAnswer & {
    publishing: Pick<Publishing, "publish">;
    rejected(error: CallError): AcceptResult;
    logFault: SampledLog<string>;
  },
) {
  const { store, recorder, metrics, failpoint, quotas, load, clock } = parts;
  const { answerRejected, answerRepeated, publishing, rejected, logFault } = answering;
  const inserts = createInserts(store, { waitingMax: parts.insertsWaitingMax, clock });
  const countOverrides = createOverrideCount(metrics.overrides);

  async function insert(app: AppRecord, candidate: Candidate, record: NotificationRecord, asked: number): Promise<AcceptResult> {
    const split = takeOutLarge(record, parts.contentBounds ?? CONTENT_BOUNDS);
    const bytes = recordBytes(split.record);
    if (bytes > NOTIFICATION_BYTES_MAX) return rejected(tooLarge);
    try {
      failpoint("gateway.before-insert", record.category);
      const result = await inserts.add({ ...split, bytes, weight: app.limits.weight ?? 1 });
      failpoint("gateway.inserted", record.category);
      if (result.kind === "exists") return answerRepeated(result.record, candidate.request);
      metrics.accepted.inc({ class: record.notificationClass });
      countOverrides(candidate.request.content);
      const pending = record.deliveries.filter(({ state }) => state === "pending").length;
      // What has ended at once is not open.
      if (pending > 0) load.accepted(costOf(pending, bytes));
      quotas.charge(app, costOf(Math.max(record.deliveries.length, asked), bytes));
      recorder.record(accepted(split.record));
      publishing.publish(split.record);
      return { kind: "accepted", record: split.record, repeatedKey: false };
    } catch (error) {
      if (error instanceof BatchFullError) return answerRejected(app, candidate, overloaded());
      logFault("insert not confirmed", { err: errorLine(error) });
      return rejected(
        callError(
          "UNAVAILABLE",
          "UNAVAILABLE",
          "the store did not confirm the notification, which may have been accepted; repeat with the same idempotency_key",
        ),
      );
    }
  }

  /** What the answer would be if it were sent now. */
  async function validated({ id, request }: Candidate, record: NotificationRecord): Promise<AcceptResult> {
    const split = takeOutLarge(record, parts.contentBounds ?? CONTENT_BOUNDS);
    if (recordBytes(split.record) > NOTIFICATION_BYTES_MAX) return rejected(tooLarge);
    const before = await store.notifications.find(id).catch(() => unreadable);
    if (before && "kind" in before) return rejected(before);
    return before ? answerRepeated(before, request) : { kind: "accepted", record: split.record, repeatedKey: false };
  }

  /**
   * Counts a notification's deliveries of the day, inserts it, and gives back what it did not use.
   * @param asked opt-out questions that were asked for it
   */
  async function storeOne(
    app: AppRecord,
    { candidate, heldBytes }: { candidate: Candidate; heldBytes: number },
    record: NotificationRecord,
    asked: number,
  ) {
    const open = record.deliveries.flatMap(({ state, channel }) => (state === "pending" ? [channel] : []));
    const day = await quotas.countDay(app, record.notificationClass, open, record.sendAt);
    const result = await (day.kind === "exceeded"
      ? answerRejected(app, candidate, day.error)
      : candidate.validateOnly
        ? validated(candidate, record)
        : insert(app, candidate, record, asked));
    const counted = day.kind === "counted" ? day.counted : undefined;
    settle(app, candidate, counted, result, costOf(Math.max(record.deliveries.length, asked), heldBytes));
    return result;
  }

  /** @param cost of the work for what is not stored */
  function settle(app: AppRecord, candidate: Candidate, counted: DayCount | undefined, result: AcceptResult, cost: number): void {
    const { scheduled, validateOnly } = candidate;
    if (validateOnly || result.kind === "rejected") {
      quotas.charge(app, cost);
      // Of what is answered UNAVAILABLE nobody knows whether it was stored.
      if (validateOnly || (result.kind === "rejected" && result.error.code !== "UNAVAILABLE")) quotas.notStored(app, scheduled, counted);
    } else if (result.repeatedKey) quotas.repeated(app, scheduled, counted, cost);
  }

  return { storeOne, settle };
}
