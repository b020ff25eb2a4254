import { notificationId } from "../adapters/ids.ts";
import { CONTENT_BOUNDS, type ContentBounds } from "../core/content/reference.ts";
import type { Channel } from "../core/delivery/channel.ts";
import type { NotificationRecord } from "../core/delivery/notification.ts";
import { accepted } from "../core/delivery/transitions.ts";
import type { Failpoint } from "../core/failpoints.ts";
import type { AppRecord } from "../core/ports/app-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { InsertResult } from "../core/ports/notification-store.ts";
import type { OptOutAnswer, OptOuts } from "../core/ports/opt-outs.ts";
import type { TaskPublisher } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import { costOf, recordBytes } from "../core/quotas/cost.ts";
import type { Notification } from "../gen/carillon/v1/notification_service.ts";
import { BatchFullError, createBatcher } from "../runtime/batch.ts";
import { type CallError, callError, invalidRequest, type Violation } from "../runtime/call-error.ts";
import type { Logger } from "../runtime/logger.ts";
import { checkRequest } from "./check.ts";
import { distinctContents, type Insertion, takeOutLarge } from "./large-content.ts";
import type { Load } from "./load.ts";
import type { GatewayMetrics } from "./metrics.ts";
import { comparePayload, payloadHash } from "./payload-hash.ts";
import { createPublishing } from "./publishing.ts";
import { createRepeats } from "./repeats.ts";
import { type NotificationRequest, toRequest } from "./request.ts";
import { buildRecord, channelsOf, questionsOf, targetsOf } from "./route.ts";

export type AcceptResult = { kind: "accepted"; record: NotificationRecord; repeatedKey: boolean } | { kind: "rejected"; error: CallError };

/** Notifications per insert: about 0.5 MB, so one round trip. */
const INSERT_MAX = 500;
/**
 * Longest wait of a record for its insert: half of a call's longest duration. The caller's times were checked before the wait; a record
 * inserted after the caller gave up could hold times that are no longer valid.
 */
const INSERT_WAIT_MS = 5_000;
/** RetryInfo of a call that is rejected because too much is open. */
const OVERLOAD_WAIT_MS = 1_000;

export interface AcceptParts {
  store: Pick<Store, "notifications" | "contents" | "contacts">;
  /** Which contents are kept apart from their notifications, and for how long; absent: CONTENT_BOUNDS. */
  contentBounds?: ContentBounds | undefined;
  optOuts: OptOuts;
  publisher: TaskPublisher;
  recorder: EventRecorder;
  load: Load;
  pushHosts: readonly string[];
  insertsWaitingMax: number;
  /** When the relay first evaluates a delivery whose published task had no effect. */
  watchdogFirstMs: number;
  failpoint: Failpoint;
  clock: Clock;
  log: Logger;
  metrics: GatewayMetrics;
}

/** A notification as received, with the .proto rules that it breaks. */
export interface AcceptItem {
  message: Notification | undefined;
  /** Its path in the request; the fields of `violations` begin with it. */
  path: string;
  violations: readonly Violation[];
}

/** An item that passed all checks, with its index in the call. */
interface Candidate {
  index: number;
  request: NotificationRequest;
  channels: Channel[];
  id: string;
  hash: string;
}

export interface Accept {
  /** One result per item, in order. Accepted items are durable when it resolves. */
  accept(app: AppRecord, items: readonly AcceptItem[], traceparent?: string): Promise<AcceptResult[]>;
  /** Resolves when no publish is in progress. */
  published(): Promise<void>;
}

export function createAccept(parts: AcceptParts): Accept {
  const { store, optOuts, recorder, clock, log, metrics, failpoint } = parts;
  const inserts = createBatcher<Insertion, InsertResult>(
    async (insertions) => {
      // Contents first, so that every stored reference is valid. A crash in between leaves an unreferenced content, which a purge removes.
      const contents = distinctContents(insertions);
      if (contents.length > 0) await store.contents.put(contents);
      return store.notifications.insert(insertions.map(({ record }) => record));
    },
    { batchMax: INSERT_MAX, waitingMax: parts.insertsWaitingMax, concurrency: 2, waitMaxMs: INSERT_WAIT_MS },
    clock,
  );
  const repeats = createRepeats(store.notifications, clock);
  const publishing = createPublishing({ publisher: parts.publisher, notifications: store.notifications, recorder, clock, failpoint });

  /** Checks the rules that .proto cannot express. A repeated key gets its first answer even if its times have passed since. */
  async function screen(app: AppRecord, { message, path, violations }: AcceptItem, index: number): Promise<Candidate | AcceptResult> {
    if (violations.length > 0 || message === undefined) return rejected(invalidRequest(violations));
    const request = toRequest(message);
    const candidate = {
      index,
      request,
      channels: channelsOf(request, app.channels),
      id: notificationId(app.id, request.idempotencyKey),
      hash: payloadHash(request),
    };
    const faults = checkRequest(request, candidate.channels, { now: clock.now(), pushHosts: parts.pushHosts });
    const error =
      faults.length > 0
        ? invalidRequest(faults.map((f) => ({ ...f, field: `${path}.${f.field}` })))
        : channelError(app, request, candidate.channels, path);
    if (error === undefined) {
      if (!parts.load.isFull(request.notificationClass)) return candidate;
      const before = await repeats.find(app.id, candidate.id);
      return before ? answerRepeated(before, request) : rejected(overloaded());
    }
    const before = await store.notifications.find(candidate.id);
    if (!before || comparePayload(before.payloadHash, request) === "other") return rejected(error);
    return answerRepeated(before, request);
  }

  async function build(app: AppRecord, candidates: readonly Candidate[], traceparent: string | undefined): Promise<NotificationRecord[]> {
    const userIds = [...new Set(candidates.flatMap(({ request: { recipient } }) => (recipient.kind === "user" ? [recipient.userId] : [])))];
    const contacts = userIds.length > 0 ? await store.contacts.list(app.id, userIds) : [];
    const byUser = Map.groupBy(contacts, (c) => c.userId);
    const targets = candidates.map(({ request, channels }) =>
      targetsOf(request, channels, request.recipient.kind === "user" ? (byUser.get(request.recipient.userId) ?? []) : []),
    );
    const questions = candidates.map((c, i) => questionsOf(app.id, c.request, targets[i]!));
    const answers = await optOuts.check(questions.flat());
    const now = clock.now();
    let at = 0;
    return candidates.map(({ id, hash, request }, i) => {
      const mine: OptOutAnswer[] = answers.slice(at, at + questions[i]!.length);
      at += questions[i]!.length;
      return buildRecord(
        { id, app: app.id, now, payloadHash: hash, traceparent, watchdogFirstMs: parts.watchdogFirstMs },
        request,
        targets[i]!,
        mine,
      );
    });
  }

  async function insert(insertion: Insertion, request: NotificationRequest): Promise<AcceptResult> {
    const { record } = insertion;
    try {
      failpoint("gateway.before-insert", record.category);
      const result = await inserts.add(insertion);
      failpoint("gateway.inserted", record.category);
      if (result.kind === "inserted") {
        metrics.accepted.inc({ class: record.notificationClass });
        parts.load.accepted(costOf(record.deliveries.length, recordBytes(record)));
        recorder.record(accepted(record));
        publishing.publish(record);
        return { kind: "accepted", record, repeatedKey: false };
      }
      return answerRepeated(result.record, request);
    } catch (error) {
      if (error instanceof BatchFullError) return rejected(overloaded());
      log.warn({ err: error }, "insert not confirmed; the call is answered UNAVAILABLE");
      return rejected(callError("UNAVAILABLE", "UNAVAILABLE", "the store cannot be written; repeat with the same idempotency_key"));
    }
  }

  function answerRepeated(record: NotificationRecord, request: NotificationRequest): AcceptResult {
    const compared = comparePayload(record.payloadHash, request);
    if (compared === "same") return { kind: "accepted", record, repeatedKey: true };
    if (compared === "other")
      return rejected(callError("ALREADY_EXISTS", "KEY_REUSED", "idempotency_key was used before with another payload"));
    const message = "a newer version stored this idempotency_key, and this one cannot compare the payload; repeat with the same key";
    return rejected(callError("UNAVAILABLE", "UNAVAILABLE", message));
  }

  function rejected(error: CallError): AcceptResult {
    metrics.rejected.inc({ reason: error.reason });
    return { kind: "rejected", error };
  }

  return {
    async accept(app, items, traceparent) {
      const results = new Array<AcceptResult>(items.length);
      const candidates: Candidate[] = [];
      try {
        const screened = await Promise.all(items.map((item, index) => screen(app, item, index)));
        for (const [index, s] of screened.entries()) {
          if ("kind" in s) results[index] = s;
          else candidates.push(s);
        }
        const records = await build(app, candidates, traceparent);
        await Promise.all(
          candidates.map(async ({ index, request }, i) => {
            results[index] = await insert(takeOutLarge(records[i]!, parts.contentBounds ?? CONTENT_BOUNDS), request);
          }),
        );
      } catch (error) {
        log.warn({ err: error }, "store cannot be read; the call is answered UNAVAILABLE");
        const unavailable = callError("UNAVAILABLE", "UNAVAILABLE", "the store cannot be read; repeat with the same idempotency_key");
        for (let i = 0; i < items.length; i++) results[i] ??= rejected(unavailable);
      }
      return results;
    },
    published: () => publishing.settled(),
  };
}

const overloaded = () =>
  callError("RESOURCE_EXHAUSTED", "OVERLOADED", "more is accepted than can be sent; nothing was stored", {
    retryAfterMs: OVERLOAD_WAIT_MS,
  });

function channelError(app: AppRecord, request: NotificationRequest, channels: readonly Channel[], path: string): CallError | undefined {
  const field = request.channels.length > 0 ? `${path}.channels` : `${path}.content`;
  const forbidden = channels.filter((c) => !app.channels.includes(c));
  if (forbidden.length === 0 && channels.length > 0) return undefined;
  const which = forbidden.length > 0 ? forbidden.join(", ") : "any channel this content serves";
  const violation = { field, rule: "app.channel", message: `this app may not use ${which}` };
  return callError("FAILED_PRECONDITION", "CHANNEL_NOT_ENABLED", `${field}: ${violation.message}`, { fields: [violation] });
}
