import { openStore } from "../../adapters/store/open-store.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import { factsOf, sent } from "../../core/delivery/transitions.ts";
import { attemptId } from "../../core/ports/attempt-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { startProgram } from "../program.ts";
import type { Filled, FillOrder } from "../programs/fill.ts";
import { storedNotification } from "../stored-notification.ts";

/** What a store holds before it is measured. */
export interface History {
  /** Notifications that were sent in the past, with their attempts. */
  ended: number;
  /** Notifications that are sent in the future, by many apps. */
  open: number;
}

const DAY_MS = 86_400_000;
/** Of the templates: when one was accepted, and when the other is due; later than what a gateway or a relay looks at. */
const ACCEPTED_AGO_MS = 2 * DAY_MS;
const DUE_IN_MS = 20 * DAY_MS;
const SENT_AFTER_MS = 70;
const PUSH = { title: "Your order", body: "It is on its way and arrives today.", data: { order: "1017" } };
/** Limit of an order, in ms; the last one also writes what is in SQLite's cache. */
const ORDER_MS_MAX = 600_000;
/** Copies in one order. */
const CHUNK = { sqlite: 100_000, mongodb: 10_000 };

/** Stores one notification of each kind, by the store's own methods alone, and returns what every copy has its own of. */
async function storeTemplates(store: Store, now: number): Promise<Pick<FillOrder, "ended" | "open">> {
  const { notifications, attempts, settle } = store;
  const endpoint = { channel: "apns", token: "f".repeat(64) } as const;
  const acceptedAt = now - ACCEPTED_AGO_MS;
  const [startedAt, answeredAt] = [acceptedAt + 20, acceptedAt + SENT_AFTER_MS];
  const ended = storedNotification(endpoint, { key: "template-of-the-ended", now: acceptedAt, push: PUSH });
  const scheduled = storedNotification(endpoint, { key: "template-of-the-open", now: now + DUE_IN_MS, push: PUSH });
  const open: NotificationRecord = { ...scheduled, app: "app-of-the-open", acceptedAt: now };
  await notifications.insert([ended, open]);
  const delivery = ended.deliveries[0]!;
  const id = attemptId(delivery.id, 1);
  const [worker, providerRef] = ["worker-of-the-ended", "00000000-0000-4000-8000-000000000000"];
  const claim = { id, deliveryId: delivery.id, number: 1, worker, provider: "apns", account: "default", startedAt };
  await attempts.claim([{ ...claim, deadlineAt: startedAt + 15_000 }]);
  const result = { id, worker, outcome: { kind: "accepted", providerRef } as const, answeredAt };
  const { change } = sent(factsOf(ended, delivery), { providerRef }, answeredAt);
  if (settle) await settle([{ result, change }]);
  else {
    await attempts.record([result]);
    await notifications.change([change]);
  }
  const common = { token: endpoint.token };
  return {
    ended: {
      ...common,
      id: ended.id,
      key: ended.idempotencyKey,
      worker,
      providerRef,
      acceptedAt,
      startedAt,
      answeredAt,
      expiresAt: ended.expiresAt,
    },
    open: { ...common, id: open.id, key: open.idempotencyKey, app: open.app, sendAt: open.sendAt, expiresAt: open.expiresAt },
  };
}

/**
 * Fills an empty store that no other process has open. Each copy is what the store itself wrote, with an id of its own.
 * @returns bytes of the store, and the time that it took
 */
export async function fillHistory(
  storeUrl: string,
  { ended, open }: History,
  say: (line: string) => void,
): Promise<{ bytes: number; ms: number }> {
  const began = performance.now();
  const order = await withStore(storeUrl, (store) => storeTemplates(store, Date.now()));
  const chunk = storeUrl.startsWith("sqlite:") ? CHUNK.sqlite : CHUNK.mongodb;
  const last: Partial<Record<keyof History, string[]>> = {};
  let bytes = 0;
  {
    await using program = startProgram(["bench/programs/fill.ts", storeUrl]);
    for (const kind of ["ended", "open"] as const) {
      const total = { ended, open }[kind];
      for (let done = 0; done < total; done += chunk) {
        const count = Math.min(chunk, total - done);
        const filled = await program.ask<Filled>({ ...order, kind, from: done, count, of: total } satisfies FillOrder, ORDER_MS_MAX);
        [last[kind], bytes] = [filled.ids, filled.bytes];
        if (Math.floor(done / (total / 10)) !== Math.floor((done + count) / (total / 10)))
          say(`  ${done + count} of ${total} ${kind}, ${Math.round((performance.now() - began) / 1_000)} s`);
      }
    }
  }
  await withStore(storeUrl, async (store) => {
    for (const kind of ["ended", "open"] as const) await readBack(store, kind, last[kind] ?? []);
  });
  const counted = await withStore(storeUrl, (store) => store.notifications.openCount(open + 2));
  if (counted !== open + 1) throw new Error(`the store counts ${counted} open notifications, and not ${open + 1}`);
  return { bytes, ms: performance.now() - began };
}

async function readBack({ notifications, attempts }: Store, kind: "ended" | "open", ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const record = await notifications.find(id);
    const [delivery] = record?.deliveries ?? [];
    const [attempt] = await attempts.find([attemptId(`${id}-0`, 1)]);
    const isRight =
      delivery?.id === `${id}-0` &&
      (kind === "open" ? delivery.state === "pending" : delivery.state === "sent" && attempt?.outcome?.kind === "accepted");
    if (!isRight) throw new Error(`the ${kind} notification ${id} cannot be read back`);
  }
}

async function withStore<T>(storeUrl: string, use: (store: Store) => Promise<T>): Promise<T> {
  await using store = await openStore(storeUrl);
  return await use(store);
}
