// Looks on from outside, and knows at every moment what is stored: what must not happen is noticed when it does, not only by its traces.
import { canonicalForm } from "../../core/content/codec.ts";
import { type Content, contentValues } from "../../core/content/content.ts";
import { type ContentPart, contentPart } from "../../core/delivery/channel.ts";
import { TASK_STALE_MS } from "../../core/delivery/lifetime.ts";
import { isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";
import { type AttemptRecord, attemptId, knownOutcome, notificationIdOf } from "../../core/ports/attempt-store.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import type { DeliveryTask, Settlement } from "../../core/ports/queue.ts";
import { sha256Hex } from "../../runtime/hash.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { Nature } from "./nature.ts";
import type { SimulatedProcess } from "./process.ts";
import { PROVIDER_DEADLINE_MS } from "./providers.ts";
import type { Wishes } from "./wishes.ts";

/** An opt-out is obeyed after this. */
const OBEYED_MS = 5_000;
/** Beyond what the clocks of two processes differ by. */
export const SKEW_MS = 5_000;
const hashesOf = (record: NotificationRecord) => Object.values(record.contentHashes ?? {});
const hashOf = (content: Content, part: ContentPart) => sha256Hex(canonicalForm(contentValues({ [part]: content[part] })));
/** Outcomes after which nothing was sent and another attempt may be made. */
const NOT_SENT: ReadonlySet<string> = new Set(["throttled", "unavailable", "misconfigured"]);
const MAY_BE_SENT: ReadonlySet<string | undefined> = new Set([undefined, "accepted", "unanswered"]);

export interface Witness {
  /** A provider's call begins. */
  called(process: SimulatedProcess, delivery: OutboundDelivery): void;
  /** Its answer reached the process. */
  answered(delivery: OutboundDelivery): void;
  /** The store said of these that they were claimed, or that their outcome was taken. */
  promised(what: "claim" | "outcome", ids: readonly string[]): void;
  /** A relay says that workers are lost. */
  abandons(process: SimulatedProcess, ids: readonly string[]): void;
  /** A dispatcher was told that there is no content under this hash. */
  foundNoContent(hash: string): void;
  /** Contents were purged, or may have been. */
  purged(): void;
  /** A task's handling begins; call the result with how it ended. */
  handling(process: SimulatedProcess, task: DeliveryTask): (settlement: Settlement) => void;
}

export function createWitness(nature: Nature, store: MemoryStore, wishes: Wishes): Witness {
  const calls = new Map<string, { process: SimulatedProcess; answered: boolean }>();
  /** Copies of a task in one process's hands at the same time, by process and attempt. */
  const inHands = new Map<string, Set<{ alone: boolean }>>();
  const promises = new Set<string>();
  const { time } = nature;

  function judgeTimes(process: SimulatedProcess, delivery: OutboundDelivery, attempt: AttemptRecord, sendAt: number): void {
    const id = delivery.attemptId;
    const now = process.clock.now();
    if (now >= delivery.expiresAt) nature.broken("2 nothing is sent once it has expired", id);
    if (now + PROVIDER_DEADLINE_MS > attempt.deadlineAt) nature.broken("3 no call begins long after its claim", id);
    if (time.now() < sendAt - SKEW_MS) nature.broken("2 nothing is sent before its time", id);
    if (attempt.outcome) nature.broken("3 no call under a number that has its outcome", id);
  }

  function judgeEarlier(delivery: OutboundDelivery, attempt: AttemptRecord): void {
    const earlier = Array.from({ length: attempt.number - 1 }, (_, i) => store.attempts.inside.get(attemptId(attempt.deliveryId, i + 1)));
    const open = earlier.filter((a) => !NOT_SENT.has((a && knownOutcome(a)?.kind) ?? ""));
    if (open.some((a) => !a || !MAY_BE_SENT.has(knownOutcome(a)?.kind))) nature.broken("3 no attempt after an end", delivery.attemptId);
    const allowed = delivery.notificationClass === "critical" && attempt.policyResend ? 1 : 0;
    if (open.length > allowed) nature.broken("3 no attempt after one that may have been sent", delivery.attemptId);
  }

  /** Notifications that may still be sent: by the time of the world, not by that of a process whose clock jumped. */
  function* stillToSend(): Iterable<NotificationRecord> {
    for (const record of store.notifications.inside.values())
      if (record.expiresAt > time.now() && record.deliveries.some(({ state }) => isOpen(state))) yield record;
  }

  function judgeContent({ attemptId: id, channel, content }: OutboundDelivery, record: NotificationRecord): void {
    const part = contentPart(channel);
    const hash = record.contentHashes?.[part];
    const expected = hash ?? hashOf(record.content, part);
    if (content[part] === undefined || hashOf(content, part) !== expected) nature.broken("2 what is sent is what was accepted", id);
  }

  return {
    called(process, delivery) {
      const { attemptId: id, deliveryId, notificationClass } = delivery;
      const attempt = store.attempts.inside.get(id);
      const record = store.notifications.inside.get(notificationIdOf(deliveryId));
      if (!record) return nature.broken("1 nothing is sent that was not stored", id);
      if (!attempt) return nature.broken("3 no call without a claim", id);
      if (calls.has(id)) nature.broken("3 one call for one number", id);
      calls.set(id, { process, answered: false });
      judgeContent(delivery, record);
      judgeEarlier(delivery, attempt);
      judgeTimes(process, delivery, attempt, record.sendAt);
      // Critical goes out where preferences cannot be read, and here they sometimes cannot.
      const user = record.recipient.kind === "user" ? record.recipient.userId : "";
      if (notificationClass !== "critical" && wishes.optedOutSince(user, time.now() - OBEYED_MS))
        nature.broken("4 an opt-out is obeyed", id);
    },

    answered({ attemptId: id }) {
      const call = calls.get(id);
      if (call) call.answered = true;
    },

    promised(what, ids) {
      for (const id of ids) {
        if (promises.has(`${what} ${id}`)) nature.broken(`3 one ${what} for one number`, id);
        promises.add(`${what} ${id}`);
      }
    },

    abandons(process, ids) {
      for (const id of ids) {
        const attempt = store.attempts.inside.get(id);
        if (attempt && process.clock.now() < attempt.deadlineAt + SKEW_MS) nature.broken("2 nobody is called lost before the time", id);
      }
    },

    foundNoContent(hash) {
      for (const record of stillToSend())
        if (hashesOf(record).includes(hash)) nature.broken("2 a content is there as long as it is used", record.id);
    },

    purged() {
      for (const record of stillToSend())
        for (const hash of hashesOf(record))
          if (!store.contents.inside.has(record.app, hash)) nature.broken("2 a content is there as long as it is used", record.id);
    },

    handling(process, task) {
      const id = attemptId(task.deliveryId, task.attempt);
      const key = `${process.name} ${id}`;
      const copies = inHands.get(key) ?? new Set();
      const copy = { alone: copies.size === 0 && !calls.has(id) };
      for (const other of copies) other.alone = false;
      inHands.set(key, copies.add(copy));
      return ({ kind }) => {
        copies.delete(copy);
        const isStale = task.expiresAt <= process.clock.now() - TASK_STALE_MS;
        if (kind !== "ack" || task.statusQuery || isStale) return;
        const attempt = store.attempts.inside.get(id);
        if (!attempt) nature.broken("2 what is acknowledged was claimed", id);
        const call = calls.get(id);
        // Where there was no other copy, this one made the call.
        if (copy.alone && call?.process === process && call.answered && attempt && !knownOutcome(attempt))
          nature.broken("2 what is acknowledged was recorded", id);
      };
    },
  };
}
