// Clients of the gateway. They repeat a call with the same key until they get an answer, some once more after it, and some reuse a key for
// another payload.

import { notificationId } from "../../adapters/ids.ts";
import { contentToProto } from "../../core/content/content.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import type { AppRecord } from "../../core/ports/app-store.ts";
import type { Accept } from "../../gateway/accept.ts";
import { toAccepted } from "../../gateway/answer.ts";
import { payloadHash } from "../../gateway/payload-hash.ts";
import { toRequest } from "../../gateway/request.ts";
import { Channel } from "../../gen/carillon/v1/channel.ts";
import { type Notification, NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import { NO_OPTIONS } from "../support/no-options.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { Simulation } from "./simulation.ts";

export const APP: AppRecord = { id: "app", channels: [...CHANNELS], limits: {}, keys: [], version: 1 };
export const USERS = ["ada", "bela", "chen"];
/** The short text is stored in its notification, a long one by reference, shared by all notifications that have it. */
const TEXTS = ["hello", ..."abcde".split("").map((letter) => letter.repeat(100))];
export const PHONE = "+4915112345678";

/** A call's timeout. */
const CALL_MS = 10_000;
const CALLS_MAX = 8;
const AGAIN_MS = [50, 1_000, 5_000, 30_000];
/** Delay before a caller repeats a call that was answered. */
const ONCE_MORE_MS = [10, 60_000, 3_600_000];

/** Calls a gateway. */
export type Send = (message: Notification) => Promise<Awaited<ReturnType<Accept["accept"]>>[number] | "no answer">;

/** The state of all calls with one key. */
interface Key {
  id: string;
  /** The first accepting answer, and the hash of the payload that it accepted. */
  answer?: { text: string; hash: string };
  /** Calls in progress. */
  open: number;
  /** A call without an answer may have stored it. */
  maybe: boolean;
}

export interface Callers {
  /** A caller starts to send under this key. */
  begin(key: string): void;
  readonly underWay: number;
  /** Delivery ids that callers received. */
  readonly accepted: string[];
}

/** @param send calls one of the gateways */
export function createCallers(simulation: Simulation, store: MemoryStore, send: Send): Callers {
  const { random, time } = simulation;
  const accepted: string[] = [];
  let underWay = 0;

  async function ask(key: Key, message: Notification): Promise<boolean> {
    const hash = payloadHash(toRequest(message));
    const known = key.answer;
    const lost = simulation.happens("answer to the caller lost", 0.1);
    key.open++;
    const result = await Promise.race([send(message), time.sleep(CALL_MS).then(() => "no answer" as const)]);
    key.open--;
    if (result === "no answer" || lost) {
      key.maybe = true;
      return false;
    }
    const stored = store.notifications.inside.get(key.id);
    if (result.kind === "rejected") {
      const { code, reason } = result.error;
      if (code === "UNAVAILABLE") key.maybe = true;
      if (code === "RESOURCE_EXHAUSTED" && stored && !key.maybe && key.open === 0)
        simulation.broken("5 overload is rejected before acceptance", key.id);
      if (known && code === "INVALID_ARGUMENT" && known.hash === hash)
        simulation.broken("6 the same key gives the same answer", `${key.id} ${reason}`);
      if (code === "ALREADY_EXISTS" && (!stored || stored.payloadHash === hash))
        simulation.broken("6 only another payload is rejected", key.id);
      return code === "ALREADY_EXISTS" || code === "INVALID_ARGUMENT";
    }
    if (!stored) simulation.broken("1 accepted is durable", key.id);
    else if (stored.payloadHash !== hash) simulation.broken("6 another payload is rejected", key.id);
    const text = JSON.stringify(toAccepted(result.record, false));
    key.answer ??= { text, hash };
    if (key.answer.hash !== hash) simulation.broken("6 one key, one payload", key.id);
    else if (key.answer.text !== text)
      simulation.broken("6 the same key gives the same answer", `${key.id} ${text} after ${key.answer.text}`);
    key.maybe = true;
    accepted.push(...result.record.deliveries.map((d) => d.id));
    return true;
  }

  async function sendUntilAnswered(key: Key, message: Notification): Promise<void> {
    underWay++;
    for (let tries = 1; tries <= CALLS_MAX && !(await ask(key, message)); tries++) await time.sleep(random.pick(AGAIN_MS));
    underWay--;
    while (random.chance(0.2)) {
      await time.sleep(random.pick(ONCE_MORE_MS));
      underWay++;
      await ask(key, message);
      underWay--;
    }
  }

  return {
    accepted,
    get underWay() {
      return underWay;
    },
    begin(text) {
      const key: Key = { id: notificationId(APP.id, text), open: 0, maybe: false };
      const message = randomNotification(simulation, text);
      void sendUntilAnswered(key, message);
      if (!simulation.happens("key with another payload", 0.15)) return;
      const other = { ...message, category: "other" };
      time.after(random.pick([0, 5, 2_000, 100_000]), () => void sendUntilAnswered(key, other));
    },
  };
}

function randomNotification({ random, time }: Simulation, idempotencyKey: string): Notification {
  const now = time.now();
  const sendAt = random.chance(0.2) ? now + random.pick([5_000, 600_000]) : undefined;
  const expires = random.pick([6_000, 20_000, 3_600_000, undefined, undefined]);
  const endpoint = random.chance(0.2);
  return {
    ...NO_OPTIONS,
    idempotencyKey,
    recipient: {
      to: endpoint
        ? { $case: "endpoint", value: { address: { $case: "phoneNumber", value: PHONE } } }
        : { $case: "userId", value: random.pick(USERS) },
    },
    channels: endpoint ? [] : random.pick([[], [Channel.CHANNEL_SMS], [Channel.CHANNEL_SMS, Channel.CHANNEL_FCM]]),
    notificationClass: random.pick([
      NotificationClass.NOTIFICATION_CLASS_CRITICAL,
      NotificationClass.NOTIFICATION_CLASS_TRANSACTIONAL,
      NotificationClass.NOTIFICATION_CLASS_MARKETING,
    ]),
    category: "orders",
    content: contentToProto({ push: endpoint ? undefined : { title: "t", body: "b", data: {} }, sms: { text: random.pick(TEXTS) } }),
    sendAt: sendAt === undefined ? undefined : new Date(sendAt),
    expiresAt: expires === undefined ? undefined : new Date((sendAt ?? now) + expires),
  };
}
