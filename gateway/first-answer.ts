import type { AppRecord } from "../core/apps/app.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import type { NotificationStore } from "../core/ports/notification-store.ts";
import { type CallError, callError } from "../runtime/call-error.ts";
import type { AppBudget } from "./app-budget.ts";
import { comparePayload } from "./payload-hash.ts";
import type { NotificationRequest } from "./request.ts";
import type { Candidate } from "./screen.ts";

export type AcceptResult = { kind: "accepted"; record: NotificationRecord; repeatedKey: boolean } | { kind: "rejected"; error: CallError };

/**
 * Reads for keys that a limit rejects, per app: enough to answer every repeated call of a normal app, and a hundredth of what a store does. Without this
 * bound an app at its limit would cost the store a read per rejected notification.
 */
export const READS = { ratePerSecond: 100, burst: 200 };

/** Finds the first answer to a repeated idempotency key. */
export interface FirstAnswer {
  /**
   * A key that was accepted before gets its first answer, even if its times have passed since or the app is at a limit.
   * @param mayRead whether the store is asked: at a limit only so often
   */
  answerRejected(app: AppRecord, candidate: Candidate, limit: CallError | undefined, mayRead?: boolean): Promise<AcceptResult>;
  answerRepeated(record: NotificationRecord, request: NotificationRequest): AcceptResult;
}

const KEY_REUSED =
  "idempotency_key was used before with another payload: a repetition has every field as before, also send_at and expires_at where they were given";

export function createFirstAnswer(parts: {
  notifications: Pick<NotificationStore, "find">;
  reads: AppBudget;
  rejected(error: CallError): AcceptResult;
}): FirstAnswer {
  const { notifications, reads, rejected } = parts;
  const answerRepeated: FirstAnswer["answerRepeated"] = (record, request) => {
    const compared = comparePayload(record.payloadHash, request);
    if (compared === "same") return { kind: "accepted", record, repeatedKey: true };
    if (compared === "other") return rejected(callError("ALREADY_EXISTS", "KEY_REUSED", KEY_REUSED));
    const message = "a newer version stored this idempotency_key, and this one cannot compare the payload; repeat with the same key";
    return rejected(callError("UNAVAILABLE", "UNAVAILABLE", message));
  };
  return {
    answerRepeated,
    async answerRejected(app, { id, request, error }, limit, mayRead = limit === undefined || reads(app.id)) {
      const found = mayRead ? notifications.find(id) : undefined;
      const before = await (limit ? found?.catch(() => undefined) : found);
      if (before && (error === undefined || comparePayload(before.payloadHash, request) !== "other"))
        return answerRepeated(before, request);
      return rejected(limit ?? error!);
    },
  };
}
