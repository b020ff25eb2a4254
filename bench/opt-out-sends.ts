// How long after an opt-out is answered does a provider still get a send of any channel: when changes are broadcast, when broadcasts are lost, and when Redis
// misses the write? Every role is a process, and the providers are the sandbox's.
//
//   node bench/opt-out-sends.ts --seconds 30 --read process|service
//
// Each person's notifications are accepted before the opt-out and fall due one after the other, so that the gateway has no part in stopping them. Exits with 1
// where a call came later than the promised bound.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connectRedis } from "../adapters/redis/connect.ts";
import { openStore } from "../adapters/store/open-store.ts";
import { channelFromProto } from "../adapters/wire/convert.ts";
import { connectGateway } from "../cli/gateway/connect.ts";
import { CHANNELS, type Channel } from "../core/delivery/channel.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import { userSubject } from "../core/preferences/opt-out.ts";
import { OPT_OUT_BOUND_MS } from "../core/preferences/opt-out-bound.ts";
import { systemClock } from "../runtime/clock.ts";
import { createLogger } from "../runtime/logger.ts";
import { startSandbox } from "../sandbox/main.ts";
import { notification, optOut, register, sendBatch, toUser } from "../test/e2e/calls.ts";
import { percentile } from "./percentile.ts";
import { startRoles } from "./roles.ts";
import { startWorld } from "./world.ts";

const APP = "bench";
/** People who are written to at the same time. */
const PEOPLE = 16;
/** A person's notifications fall due so long apart, over so long, in ms. */
const EVERY_MS = 250;
const DUE_FOR_MS = 10_000;
/** The opt-out comes so long after the first is due, at random; longer than any cache entry is used. */
const REFUSES_AFTER_MS = { min: 1_500, max: 3_500 };
/** From the acceptance until the first is due. */
const LEAD_MS = 500;
/** What was due last has been sent or suppressed by then. */
const AFTER_MS = 1_500;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "30" }, read: { type: "string", default: "process" } } });
const seconds = Number(values.seconds);
if (!(seconds > 0) || !["process", "service"].includes(values.read)) {
  process.stderr.write("usage: node bench/opt-out-sends.ts [--seconds N] [--read process|service]\n");
  process.exit(2);
}

await using stack = new AsyncDisposableStack();
const world = stack.use(await startWorld());
const sandbox = stack.use(await startSandbox({ directory: join(world.directory, "sandbox") }));
const { FEEDBACK_URL = "" } = world.env;
Object.assign(world.env, sandbox.env, { FEEDBACK_URL, OPT_OUTS_READ: values.read });
const dispatchers = CHANNELS.map((channel) => `dispatcher-${channel}` as const);
const { gateway } = await startRoles(stack, world, "gateway", "relay", ...dispatchers);
const clients = stack.use(connectGateway(gateway.addresses.grpc ?? "", world.apiKey));
const store = stack.use(await openStore(world.storeUrl));
const admin = stack.use(await connectRedis(world.redisServer.url, { log: createLogger("bench", "silent") }));

let people = 0;
function endpointsOf(n: number): Endpoint[] {
  const digits = String(n);
  return [
    { channel: "apns", token: digits.padStart(64, "a") },
    { channel: "fcm", token: digits.padStart(160, "a") },
    { channel: "webpush", ...sandbox.webPushSubscription(`person-${n}`) },
    { channel: "sms", phoneNumber: `+4915${digits.padStart(9, "0")}` },
    { channel: "email", address: `person-${n}@example.com` },
  ];
}

const refuse = {
  service: (userId: string): Promise<unknown> => optOut({ clients }, userId),
  /** As where a process died before it wrote to Redis. */
  store: (userId: string): Promise<unknown> =>
    store.preferences.update(APP, userSubject(userId), { optOut: [{ channel: "*", category: "*" }], origin: {} }, systemClock.now()),
};

/** What the provider of one channel got of one person. */
interface Calls {
  channel: Channel;
  before: number;
  /** From the answer to the last call after it, in ms; 0: there was none. */
  lastMs: number;
  /** Calls later than the bound. */
  late: number;
}

async function callsOf(how: keyof typeof refuse): Promise<Calls[]> {
  const n = people++;
  const userId = `person-${n}`;
  for (const endpoint of endpointsOf(n)) await register({ clients }, userId, endpoint);
  const firstAt = Date.now() + LEAD_MS;
  const due = Array.from({ length: DUE_FOR_MS / EVERY_MS }, (_, i) => new Date(firstAt + i * EVERY_MS));
  const results = await sendBatch(
    { clients },
    due.map((sendAt) => notification({ recipient: toUser(userId), sendAt })),
  );
  const channelOf = new Map<string, Channel>();
  for (const result of results) {
    if (result?.$case !== "accepted") throw new Error(`a notification was not accepted: ${JSON.stringify(result)}`);
    for (const { deliveryId, channel } of result.value.deliveries) channelOf.set(deliveryId, channelFromProto(channel)!);
  }
  const { min, max } = REFUSES_AFTER_MS;
  await delay(Math.max(0, firstAt - Date.now()) + min + Math.random() * (max - min));
  await refuse[how](userId);
  const answeredAt = Date.now();
  await delay(Math.max(0, due.at(-1)!.getTime() + AFTER_MS - Date.now()));
  const entries = sandbox.ledger.entries({ since: firstAt }).filter(({ deliveryId }) => channelOf.has(deliveryId));
  return CHANNELS.map((channel) => {
    const after = entries.filter((e) => channelOf.get(e.deliveryId) === channel).map(({ receivedAt }) => receivedAt - answeredAt);
    return {
      channel,
      before: after.filter((ms) => ms <= 0).length,
      lastMs: Math.max(0, ...after),
      late: after.filter((ms) => ms > OPT_OUT_BOUND_MS).length,
    };
  });
}

let lateCalls = 0;
async function scene(title: string, how: keyof typeof refuse): Promise<void> {
  const until = performance.now() + seconds * 1_000;
  const found: Calls[] = [];
  await Promise.all(
    Array.from({ length: PEOPLE }, async (_, i) => {
      // Not all at the same moment.
      await delay((i * DUE_FOR_MS) / PEOPLE / 2);
      do found.push(...(await callsOf(how)));
      while (performance.now() + DUE_FOR_MS < until);
    }),
  );
  for (const channel of CHANNELS) {
    const of = found.filter((calls) => calls.channel === channel);
    const before = of.reduce((sum, calls) => sum + calls.before, 0);
    if (before === 0) throw new Error(`no ${channel} was sent before the opt-outs: nothing was measured`);
    const late = of.reduce((sum, calls) => sum + calls.late, 0);
    lateCalls += late;
    const ms = of.map(({ lastMs }) => lastMs);
    const shown = [percentile(ms, 0.5), percentile(ms, 0.99), Math.max(...ms)].map((value) => `${Math.round(value)} ms`);
    process.stdout.write(`| ${title} | ${channel} | ${of.length} | ${before} | ${shown.join(" | ")} | ${late} |\n`);
  }
}

process.stdout.write(`OPT_OUTS_READ=${values.read}: the last call of a person's provider after the opt-out was answered.\n\n`);
process.stdout.write(`| what is lost | channel | opt-outs | calls before | p50 | p99 | max | later than ${OPT_OUT_BOUND_MS} ms |\n`);
process.stdout.write("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
await scene("nothing", "service");
// Every PUBLISH is refused from now on.
await admin.acl("SETUSER", "default", "-publish");
await scene("every broadcast", "service");
await scene("every broadcast, and the write to Redis", "store");
if (lateCalls > 0) {
  process.stdout.write(`\n${lateCalls} calls came later than ${OPT_OUT_BOUND_MS} ms after the opt-out was answered\n`);
  process.exitCode = 1;
}
