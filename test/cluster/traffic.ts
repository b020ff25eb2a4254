// Callers of one channel at an adjustable rate, and the fate of each notification.

import { setTimeout as delay } from "node:timers/promises";
import { classToProto, endpointToProto } from "../../adapters/wire/convert.ts";
import { type Clients, connectGateway } from "../../cli/gateway/connect.ts";
import { contentToProto } from "../../core/content/content.ts";
import { type Notification, NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { readDetails } from "../../runtime/grpc/status.ts";
import type { Sandbox } from "../../sandbox/main.ts";
import { NO_OPTIONS } from "../support/no-options.ts";

export interface Traffic extends AsyncDisposable {
  /** Notifications per second from now on. */
  rate: number;
  /** Accepted delivery ids, each with its time, ms since the epoch. */
  readonly accepted: ReadonlyMap<string, number>;
  /** Accepted per second since the last call. */
  takeOffered(): number;
  /** The number of deliveries not yet accepted by the provider, and the oldest's age in seconds. */
  open(): { count: number; oldest: number };
  /** Calls that got no answer and were repeated. */
  readonly repeated: number;
  /** Errors that callers received, with their counts. */
  readonly faults: ReadonlyMap<string, number>;
  /** Stops new calls; resolves to the keys of those that got no answer in time. */
  stop(withinMs: number): Promise<string[]>;
}

const TURN_MS = 100;
const CALL_MS = 5_000;
const AGAIN_MS = 200;
/** The browsers that receive all notifications. */
const SUBSCRIPTIONS = 100;

export function startTraffic({
  address,
  apiKey,
  sandbox,
  rate,
}: {
  address: string;
  apiKey: string;
  sandbox: Sandbox;
  rate: number;
}): Traffic {
  const clients: Clients = connectGateway(address, apiKey);
  const stopping = new AbortController();
  const deadline = new AbortController();
  const accepted = new Map<string, number>();
  const open = new Map<string, number>();
  const underWay = new Set<Promise<void>>();
  const unanswered = new Set<string>();
  const faults = new Map<string, number>();
  const subscriptions = Array.from({ length: SUBSCRIPTIONS }, (_, i) => sandbox.webPushSubscription(`browser-${i}`));
  const run = Math.random().toString(36).slice(2, 8);
  let serial = 0;
  let repeated = 0;
  let offered = 0;
  let offeredSince = performance.now();

  function notification(): Notification {
    const key = `cluster-${run}-${++serial}`;
    const endpoint = endpointToProto({ channel: "webpush", ...subscriptions[serial % SUBSCRIPTIONS]! });
    return {
      ...NO_OPTIONS,
      ...{ idempotencyKey: key, recipient: { to: { $case: "endpoint", value: endpoint } } },
      ...{ category: "orders", notificationClass: classToProto("transactional") },
      content: contentToProto({ push: { title: "Your order", body: `Order ${key} is on its way.`, data: {} } }),
    };
  }

  async function send(batch: readonly Notification[]): Promise<void> {
    let left = batch;
    for (const { idempotencyKey } of batch) unanswered.add(idempotencyKey);
    while (left.length > 0 && !deadline.signal.aborted) {
      const again: Notification[] = [];
      try {
        const options = { deadlineMs: CALL_MS, signal: deadline.signal };
        const { results } = await callUnary(
          clients.notifications,
          NotificationServiceService.batchSendNotifications,
          { notifications: [...left] },
          options,
        );
        for (const [i, { result }] of results.entries()) {
          const one = left[i]!;
          if (result?.$case !== "accepted") {
            count(`${result?.value.code ?? "nothing"} for one of a batch`);
            again.push(one);
            continue;
          }
          unanswered.delete(one.idempotencyKey);
          offered++;
          for (const { deliveryId } of result.value.deliveries) {
            accepted.set(deliveryId, Date.now());
            open.set(deliveryId, Date.now());
          }
        }
      } catch (error) {
        again.push(...left);
        const { code, reason, message } = readDetails(error);
        count(`${code} ${reason ?? ""} ${message.slice(0, 80)}`);
      }
      repeated += again.length;
      left = again;
      if (left.length > 0) await delay(AGAIN_MS, undefined, { signal: deadline.signal }).catch(() => undefined);
    }
  }
  const count = (what: string) => faults.set(what, (faults.get(what) ?? 0) + 1);

  const traffic = {
    rate,
    ...{ accepted, faults },
    get repeated() {
      return repeated;
    },
    takeOffered() {
      const now = performance.now();
      const perSecond = offered / ((now - offeredSince) / 1_000);
      offered = 0;
      offeredSince = now;
      return perSecond;
    },
    open() {
      const taken = sandbox.ledger.acceptances();
      for (const id of open.keys()) if (taken.has(id)) open.delete(id);
      const oldest = open.size === 0 ? 0 : (Date.now() - Math.min(...open.values())) / 1_000;
      return { count: open.size, oldest };
    },
    async stop(withinMs: number) {
      stopping.abort();
      const timer = setTimeout(() => deadline.abort(), withinMs);
      await running;
      while (underWay.size > 0) await Promise.all(underWay);
      clearTimeout(timer);
      return [...unanswered];
    },
    async [Symbol.asyncDispose]() {
      deadline.abort();
      await traffic.stop(0);
      clients[Symbol.dispose]();
    },
  };

  const running = (async () => {
    let owed = 0;
    let last = performance.now();
    while (!stopping.signal.aborted) {
      const now = performance.now();
      owed += (traffic.rate * (now - last)) / 1_000;
      last = now;
      const batch = Array.from({ length: Math.floor(owed) }, notification);
      owed -= batch.length;
      if (batch.length > 0) {
        const work = send(batch).finally(() => underWay.delete(work));
        underWay.add(work);
      }
      await delay(TURN_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return traffic;
}
