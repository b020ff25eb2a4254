// Services that call Send: they repeat with the same key until they are answered, also after they were; some use a key for something else.

import { notificationId } from "../../adapters/ids.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import type { AppRecord } from "../../core/ports/app-store.ts";
import type { Accept } from "../../gateway/accept.ts";
import { toAccepted } from "../../gateway/answer.ts";
import { payloadHash } from "../../gateway/payload-hash.ts";
import { toRequest } from "../../gateway/request.ts";
import { Channel } from "../../gen/carillon/v1/channel.ts";
import { type Notification, NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { Nature } from "./nature.ts";

export const APP: AppRecord = { id: "app", channels: [...CHANNELS], keyHashes: [] };
export const USERS = ["ada", "bela", "chen"];
/** A short one is kept in its notification, a long one apart from it, shared by all that have it. */
const TEXTS = ["hello", ..."abcde".split("").map((letter) => letter.repeat(100))];
const PHONE = "+4915112345678";

/** How long a caller waits for one answer. */
const CALL_MS = 10_000;
const TRIES_MAX = 8;
const AGAIN_MS = [50, 1_000, 5_000, 30_000];
/** Once answered, some ask again after this. */
const ONCE_MORE_MS = [10, 60_000, 3_600_000];

/** A gateway as a caller reaches it: an answer, or none. */
export type Send = (message: Notification) => Promise<Awaited<ReturnType<Accept["accept"]>>[number] | "no answer">;

/** All that was ever asked under one key. */
interface Key {
  id: string;
  /** The first answer that accepted it, and the payload that it accepted. */
  answer?: { text: string; hash: string };
  /** Calls under way. */
  open: number;
  /** Some call may have stored it without saying so. */
  maybe: boolean;
}

export interface Callers {
  /** Somebody begins to ask. */
  begin(key: string): void;
  readonly underWay: number;
  /** Delivery ids that callers were told of. */
  readonly accepted: string[];
}

/** @param send to some gateway */
export function createCallers(nature: Nature, store: MemoryStore, send: Send): Callers {
  const { random, time } = nature;
  const accepted: string[] = [];
  let underWay = 0;

  async function ask(key: Key, message: Notification): Promise<boolean> {
    const hash = payloadHash(toRequest(message));
    const known = key.answer;
    const lost = nature.happens("answer to the caller lost", 0.1);
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
        nature.broken("5 overload is rejected before acceptance", key.id);
      if (known && code === "INVALID_ARGUMENT" && known.hash === hash)
        nature.broken("6 the same key gives the same answer", `${key.id} ${reason}`);
      if (code === "ALREADY_EXISTS" && (!stored || stored.payloadHash === hash))
        nature.broken("6 only another payload is rejected", key.id);
      return code === "ALREADY_EXISTS" || code === "INVALID_ARGUMENT";
    }
    if (!stored) nature.broken("1 accepted is durable", key.id);
    else if (stored.payloadHash !== hash) nature.broken("6 another payload is rejected", key.id);
    const text = JSON.stringify(toAccepted(result.record, false));
    key.answer ??= { text, hash };
    if (key.answer.hash !== hash) nature.broken("6 one key, one payload", key.id);
    else if (key.answer.text !== text) nature.broken("6 the same key gives the same answer", `${key.id} ${text} after ${key.answer.text}`);
    key.maybe = true;
    accepted.push(...result.record.deliveries.map((d) => d.id));
    return true;
  }

  async function insist(key: Key, message: Notification): Promise<void> {
    underWay++;
    for (let tries = 1; tries <= TRIES_MAX && !(await ask(key, message)); tries++) await time.sleep(random.pick(AGAIN_MS));
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
      const message = made(nature, text);
      void insist(key, message);
      if (!nature.happens("key with another payload", 0.15)) return;
      const other = { ...message, category: "other" };
      time.after(random.pick([0, 5, 2_000, 100_000]), () => void insist(key, other));
    },
  };
}

function made({ random, time }: Nature, idempotencyKey: string): Notification {
  const now = time.now();
  const sendAt = random.chance(0.2) ? now + random.pick([5_000, 600_000]) : undefined;
  const expires = random.pick([6_000, 20_000, 3_600_000, undefined, undefined]);
  const endpoint = random.chance(0.2);
  return {
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
    ...{ category: "orders", priority: 0, collapseKey: "" },
    content: { push: endpoint ? undefined : { title: "t", body: "b", data: {} }, sms: { text: random.pick(TEXTS) }, email: undefined },
    sendAt: sendAt === undefined ? undefined : new Date(sendAt),
    expiresAt: expires === undefined ? undefined : new Date((sendAt ?? now) + expires),
  };
}
