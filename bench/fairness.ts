// What do greedy apps do to the critical notifications of a small one? Real processes.
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openStore } from "../adapters/store/open-store.ts";
import type { AppLimits } from "../core/apps/limits.ts";
import type { Store } from "../core/ports/store.ts";
import { NotificationClass, NotificationServiceService, SendNotificationResponse } from "../gen/carillon/v1/notification_service.ts";
import { grantApiKey, setLimits } from "../operations/apps/apps.ts";
import { connectGrpc, type GrpcConnection } from "./http2/grpc-connection.ts";
import { createRequests } from "./notification-bytes.ts";
import { percentile } from "./percentile.ts";
import { startProgram } from "./program.ts";
import type { LoadOrder, LoadResult } from "./programs/load.ts";
import { startPushStub } from "./quick/push-stub.ts";
import { startRoles } from "./roles.ts";
import { startWorld } from "./world.ts";

const GREEDY_APPS = 3;
const BATCH = 300;
const CRITICAL = NotificationClass.NOTIFICATION_CLASS_CRITICAL;
/** Of the small app: between two notifications, so that it stays small. */
const PAUSE_MS = 20;
const POLL_MS = 2;
/** A notification of the small app that is not sent within this time counts as lost. */
const SENT_MS_MAX = 60_000;
/** Of a greedy app between two calls after one in which an item was rejected: a client that does not wait as long as it was told to. */
const GREEDY_WAIT_MS = 50;
/** Greedy calls before the measurement beside them begins, in ms: their backlog must be there. */
const LEAD_MS = 2_000;

interface Waits {
  accepted: number[];
  sent: number[];
  rejected: number;
  lost: number;
}

/** Sends one critical notification after the other until the moment. */
async function sendAlone(connection: GrpcConnection, store: Store, request: () => Buffer, untilMs: number): Promise<Waits> {
  const waits: Waits = { accepted: [], sent: [], rejected: 0, lost: 0 };
  while (performance.now() < untilMs) {
    const began = performance.now();
    const answer = await connection.call(request());
    const acceptedAt = performance.now();
    const id = answer && SendNotificationResponse.decode(answer).accepted?.notificationId;
    if (!id) waits.rejected++;
    else {
      waits.accepted.push(acceptedAt - began);
      if (await isSent(store, id)) waits.sent.push(performance.now() - acceptedAt);
      else waits.lost++;
    }
    await delay(PAUSE_MS);
  }
  return waits;
}

async function isSent(store: Store, id: string): Promise<boolean> {
  const giveUpAt = performance.now() + SENT_MS_MAX;
  while (performance.now() < giveUpAt) {
    const record = await store.notifications.find(id);
    if (record?.deliveries.every(({ state }) => state === "sent")) return true;
    await delay(POLL_MS);
  }
  return false;
}

function line(name: string, { accepted, sent, rejected, lost }: Waits): string {
  const of = (values: readonly number[]) => `p50 ${percentile(values, 0.5).toFixed(1)} ms, p99 ${percentile(values, 0.99).toFixed(1)} ms`;
  return `${name}: accepted ${of(accepted)}; accepted to sent ${of(sent)}; n=${accepted.length}, rejected ${rejected}, lost ${lost}`;
}

/**
 * What one greedy app is allowed where its limits fit the machine, per second and at once: three of them get about half of what two cores send.
 * By default an app may send 2,000 a second, ten times the average load of a whole installation.
 */
const FITTING_LIMITS = { ratePerSecond: 300, burst: 300 };

const { values } = parseArgs({ options: { seconds: { type: "string", default: "60" }, store: { type: "string", default: "sqlite" } } });
const partMs = (Number(values.seconds) * 1_000) / 3;

await using stack = new AsyncDisposableStack();
const world = stack.use(await startWorld(values.store));
delete world.env.APP_RATE_PER_SECOND;
delete world.env.APP_BURST;
const stub = stack.use(await startPushStub(world));
const { gateway } = await startRoles(stack, world, "gateway", "relay", "dispatcher-apns");
const store = stack.use(await openStore(world.storeUrl));
const address = gateway.addresses.grpc ?? "";
const keyOf = async (id: string) => (await grantApiKey(store.apps, { id })).key;
const small = stack.use(await connectGrpc(address, NotificationServiceService.sendNotification.path, await keyOf("small")));
const request = createRequests(0, Date.now() * 1_000, CRITICAL);

/** An app in a closed loop, until the signal aborts. */
async function sendGreedily(id: string, limits: AppLimits, signal: AbortSignal): Promise<string> {
  await using load = startProgram(["bench/programs/load.ts"]);
  const order: LoadOrder = {
    ...{ address, key: await keyOf(id), batch: BATCH, inFlight: 1, notifications: BATCH },
    notificationClass: CRITICAL,
  };
  await setLimits(store.apps, id, limits);
  const total = { accepted: 0, failed: 0 };
  while (!signal.aborted) {
    const { accepted, failed } = await load.ask<LoadResult>(order);
    total.accepted += accepted;
    total.failed += failed;
    if (failed > 0) await delay(GREEDY_WAIT_MS);
  }
  return `${total.accepted} accepted, ${total.failed} rejected`;
}

/** The small app's waits beside greedy apps, compared with those without. */
async function measureBeside(what: string, limits: AppLimits, quiet: Waits): Promise<Waits> {
  const stopping = new AbortController();
  const greedy = Array.from({ length: GREEDY_APPS }, (_, i) => sendGreedily(`greedy-${what}-${i}`, limits, stopping.signal));
  await delay(LEAD_MS);
  const [began, sentBefore] = [performance.now(), await stub.taken()];
  const beside = await sendAlone(small, store, request, began + partMs);
  const sentPerSecond = ((await stub.taken()) - sentBefore) / ((performance.now() - began) / 1_000);
  stopping.abort();
  const totals = await Promise.all(greedy);
  const ratio = (kind: "accepted" | "sent", share: number) => (percentile(beside[kind], share) / percentile(quiet[kind], share)).toFixed(1);
  process.stdout.write(`${line(`beside ${GREEDY_APPS} greedy apps with ${what} limits`, beside)}
  beside / quiet: accepted p50 ${ratio("accepted", 0.5)}, p99 ${ratio("accepted", 0.99)}; accepted to sent p50 ${ratio("sent", 0.5)}, p99 ${ratio("sent", 0.99)}
  greedy apps: ${totals.join("; ")}; of all apps ${sentPerSecond.toFixed(0)} a second were sent
`);
  return beside;
}

if ((await store.notifications.openCount(1)) > 0) throw new Error("the database must be empty: what is open there would be sent meanwhile");
// Code is compiled before anything is measured.
await sendAlone(small, store, request, performance.now() + LEAD_MS);
const quiet = await sendAlone(small, store, request, performance.now() + partMs);
process.stdout.write(`${line("quiet", quiet)}\n`);
const scenes = [quiet, await measureBeside("fitting", FITTING_LIMITS, quiet), await measureBeside("default", {}, quiet)];
process.exitCode = scenes.some(({ rejected, lost }) => rejected + lost > 0) ? 1 : 0;
