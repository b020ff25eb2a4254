// Apps against one another.

import { setTimeout as delay } from "node:timers/promises";
import { classToProto } from "../../adapters/wire/convert.ts";
import { connectGateway } from "../../cli/gateway/connect.ts";
import { contentToProto } from "../../core/content/content.ts";
import { isOpen } from "../../core/delivery/notification.ts";
import { type Notification, NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { grantApiKey, setLimits } from "../../operations/apps/apps.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { toEndpoint } from "../e2e/calls.ts";
import { freshEndpoint } from "../support/fresh.ts";
import { NO_OPTIONS } from "../support/no-options.ts";
import { happened, type Row } from "./row.ts";
import type { World } from "./world.ts";

const GREEDY = "greedy";
/** Far less than what its callers send. */
const LIMITS = { ratePerSecond: 20, burst: 150 };
const BATCH = 300;
/** Closed loops, on alternating gateways. */
const CALLERS = 3;
const FLOOD_MS = 5_000;
const CALL_MS = 20_000;
/** Time for everything that the greedy app got accepted to end: some 250 notifications, of which a busy machine leaves some in doubt. */
const ENDED_MS = 180_000;
const POLL_MS = 500;

interface Flood {
  accepted: string[];
  limited: number;
  other: string[];
}

async function flood(world: World, key: string): Promise<Flood> {
  const seen: Flood = { accepted: [], limited: 0, other: [] };
  const until = performance.now() + FLOOD_MS;
  const run = Math.random().toString(36).slice(2, 8);
  let serial = 0;
  const message = (): Notification => ({
    ...NO_OPTIONS,
    idempotencyKey: `${run}-${++serial}`,
    recipient: toEndpoint(freshEndpoint("sms", world.sandbox)),
    notificationClass: classToProto("critical"),
    category: "offers",
    content: contentToProto({ sms: { text: "An offer." } }),
  });
  await Promise.all(
    Array.from({ length: CALLERS }, async (_, i) => {
      const { address } = i % 2 === 0 ? world.lines.gateway1 : world.lines.gateway2;
      using clients = connectGateway(address, key);
      while (performance.now() < until) {
        const request = { notifications: Array.from({ length: BATCH }, message) };
        const call = callUnary(clients.notifications, NotificationServiceService.batchSendNotifications, request, { deadlineMs: CALL_MS });
        const { results } = await call.catch((error: unknown) => {
          seen.other.push(error instanceof Error ? error.message : "failed");
          return { results: [] };
        });
        for (const { result } of results) {
          if (result?.$case === "accepted") seen.accepted.push(result.value.notificationId);
          else if (result?.value.reason === "RATE_LIMITED" && result.value.retryAfter) seen.limited++;
          else seen.other.push(result?.value.reason ?? "no result");
        }
      }
    }),
  );
  return seen;
}

/** Those that are not stored, or not ended in time. */
async function lostOf({ store }: World, ids: readonly string[]): Promise<string[]> {
  const giveUpAt = performance.now() + ENDED_MS;
  for (let left = [...ids]; ; await delay(POLL_MS)) {
    const records = await Promise.all(left.map((id) => store.notifications.find(id)));
    left = left.filter((_, i) => records[i]?.deliveries.some(({ state }) => isOpen(state)) ?? true);
    if (left.length === 0 || performance.now() > giveUpAt) return left;
  }
}

export const APP_ROWS: readonly Row[] = [
  {
    name: "greedy-app",
    about: "one app sends batches of 300 critical notifications in closed loops, far beyond its rate",
    boundMs: ENDED_MS,
    async inject(world, { load, say }) {
      const { key } = await grantApiKey(world.store.apps, { id: GREEDY });
      await setLimits(world.store.apps, GREEDY, LIMITS);
      const { accepted, limited, other } = await flood(world, key);
      say(
        `greedy: ${accepted.length} accepted, ${limited} beyond its rate${other.length > 0 ? `, ${[...new Set(other)].join(", ")}` : ""}`,
      );
      if (other.length > 0)
        throw new Error(`the greedy app was answered ${other.length} times otherwise: ${[...new Set(other)].join(", ")}`);
      const rejected = load.lately.filter((what) => what.includes("RESOURCE_EXHAUSTED"));
      if (rejected.length > 0) throw new Error(`the other app was rejected ${rejected.length} times`);
      const lost = await lostOf(world, accepted);
      if (lost.length > 0)
        throw new Error(`${lost.length} of the greedy app's ${accepted.length} did not end: ${lost.slice(0, 5).join(", ")}`);
      return happened(limited, `beyond its rate, while ${accepted.length} of it were accepted and ended`);
    },
  },
];
