// A process of its own, so that an attacker who is busy delays nothing that is measured: an ordinary caller, and a watcher of /healthz.
import { setTimeout as delay } from "node:timers/promises";
import { connectGateway, readCallFault } from "../../cli/gateway/connect.ts";
import { NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { CRITICAL, notification, phone, toEndpoint } from "../e2e/calls.ts";
import type { Answers } from "./grpc-wire.ts";

/** What the process is asked to watch. */
export interface Watch {
  gateway: string;
  key: string;
  health: string;
}

/** What it saw until it was asked to stop. */
export interface Observed {
  calls: number;
  failed: Answers;
  p50Ms: number;
  p99Ms: number;
  /** The slowest answer of /healthz, in ms. */
  healthMs: number;
}

/** Between two calls of the ordinary caller, in ms. */
const CALL_EVERY_MS = 50;
/** The ordinary caller's deadline, in ms. */
const CALL_DEADLINE_MS = 5_000;
const HEALTH_EVERY_MS = 200;
/** The chart's liveness probe gives up after this many ms. */
export const HEALTH_MS_MAX = 5_000;

if (process.send) {
  const ending = new AbortController();
  process.once("message", async (watch: Watch) => {
    process.once("message", () => ending.abort());
    const [caller, healthMs] = await Promise.all([ordinaryCaller(watch, ending.signal), watchHealth(watch.health, ending.signal)]);
    process.send?.({ ...caller, healthMs } satisfies Observed);
    process.disconnect();
  });
}

async function ordinaryCaller({ gateway, key }: Watch, signal: AbortSignal): Promise<Omit<Observed, "healthMs">> {
  const times: number[] = [];
  const failed: Answers = {};
  using clients = connectGateway(gateway, key);
  while (!signal.aborted || times.length === 0) {
    const began = performance.now();
    try {
      const request = {
        notification: notification({ notificationClass: CRITICAL, recipient: toEndpoint(phone("+821012345678")) }),
        validateOnly: false,
      };
      await callUnary(clients.notifications, NotificationServiceService.sendNotification, request, { deadlineMs: CALL_DEADLINE_MS });
    } catch (error) {
      const { code, reason } = readCallFault(error);
      const answer = `${code} ${reason}`;
      failed[answer] = (failed[answer] ?? 0) + 1;
    }
    times.push(performance.now() - began);
    await delay(CALL_EVERY_MS);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  return { calls: times.length, failed, p50Ms: at(0.5), p99Ms: at(0.99) };
}

async function watchHealth(url: string, signal: AbortSignal): Promise<number> {
  let slowest = 0;
  while (!signal.aborted) {
    const began = performance.now();
    await fetch(url, { signal: AbortSignal.timeout(HEALTH_MS_MAX) })
      .then((answer) => answer.body?.cancel())
      .catch(() => undefined);
    slowest = Math.max(slowest, performance.now() - began);
    await delay(HEALTH_EVERY_MS);
  }
  return slowest;
}
