// How long after an opt-out is answered does any reader still allow it, when changes are broadcast, when broadcasts are lost, and when Redis misses the write?
// node bench/opt-out-staleness.ts [--seconds 20]
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createOptOutReader } from "../adapters/opt-outs/opt-out-reader.ts";
import { createOptOutsClient } from "../adapters/preferences/opt-outs-client.ts";
import { connectRedis } from "../adapters/redis/connect.ts";
import { openStore } from "../adapters/store/open-store.ts";
import type { OptOutQuestion, OptOuts } from "../core/ports/opt-outs.ts";
import { userSubject } from "../core/preferences/opt-out.ts";
import { OPT_OUT_BOUND, OPT_OUT_BOUND_MS } from "../core/preferences/opt-out-bound.ts";
import { PreferenceServiceClient, PreferenceServiceService } from "../gen/carillon/v1/preference_service.ts";
import { systemClock } from "../runtime/clock.ts";
import { callUnary, createClient } from "../runtime/grpc/client.ts";
import { internalMetadata } from "../runtime/grpc/internal-call.ts";
import { createLogger } from "../runtime/logger.ts";
import { updateRequest } from "../test/support/preference-requests.ts";
import { percentile } from "./percentile.ts";
import { startWorld } from "./world.ts";

const APP = "bench";
/** Readers of each mode. */
const READERS = 2;
/** People who opt out at the same time. */
const PEOPLE = 24;
/** Each reader asks about each of them so often, as for as many sends; and about strangers. */
const ASK_EVERY_MS = 20;
const STRANGERS_PER_TURN = 20;
/** Longer than a cache entry is used: at the opt-out, entries are of any age. */
const BEFORE_MS = 1_200;
/** After the last reader refused, each is asked on: none may allow it again. */
const AFTER_MS = 300;
const CALL_MS = 5_000;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "20" } } });
const seconds = Number(values.seconds);
if (!(seconds > 0)) {
  process.stderr.write("usage: node bench/opt-out-staleness.ts [--seconds N]\n");
  process.exit(2);
}

await using stack = new AsyncDisposableStack();
const world = stack.use(await startWorld());
const services = await Promise.all([world.role("preferences"), world.role("preferences")]);
for (const service of services) stack.use(service);
const log = createLogger("bench", "silent");
const token = readFileSync(world.env.INTERNAL_TOKEN_FILE!, "utf8");
const tokens = () => [token];
const store = stack.use(await openStore(world.storeUrl));
const admin = stack.use(await connectRedis(world.redisServer.url, { log }));

interface Reader {
  mode: "process" | "service";
  optOuts: OptOuts;
}
const readers: Reader[] = [];
for (let n = 0; n < READERS; n++) {
  const redis = stack.use(await connectRedis(world.redisServer.url, { log }));
  const { preferences, apps, profiles } = store;
  readers.push({
    mode: "process",
    optOuts: stack.use(createOptOutReader({ store: preferences, apps, profiles, redis, clock: systemClock, log })),
  });
  readers.push({ mode: "service", optOuts: stack.use(createOptOutsClient({ address: services[n]!.addresses.grpc!, tokens, log })) });
}
const client = stack.use(createClient(PreferenceServiceClient, services[0]!.addresses.grpc!));

const question = (userId: string): OptOutQuestion => ({
  ...{ app: APP, userId, endpoint: undefined, channel: "email", category: "news", notificationClass: "transactional" },
});
let strangers = 0;
let people = 0;
const strangersOf = () => Array.from({ length: STRANGERS_PER_TURN }, () => question(`stranger-${strangers++}`));

const refuse = {
  async service(userId: string): Promise<void> {
    const request = updateRequest({ subject: { subject: { $case: "userId", value: userId } }, optOut: [{ channel: 0, category: "" }] });
    await callUnary(client, PreferenceServiceService.updatePreferences, request, {
      metadata: internalMetadata(tokens, APP),
      deadlineMs: CALL_MS,
    });
  },
  /** As where a process died before it wrote to Redis. */
  async store(userId: string): Promise<void> {
    await store.preferences.update(APP, userSubject(userId), { optOut: [{ channel: "*", category: "*" }], origin: {} }, systemClock.now());
  },
};

/** ms from the answer to the last "allowed" of each reader; 0: none came after it. */
async function stalenessOf(how: keyof typeof refuse): Promise<{ mode: Reader["mode"]; ms: number }[]> {
  const userId = `person-${people++}`;
  const last = readers.map(() => 0);
  const refusedLast = readers.map(() => false);
  let isOver = false;
  const asking = readers.map(async ({ optOuts }, n) => {
    while (!isOver) {
      const [answer] = await optOuts.check([question(userId), ...strangersOf()]);
      if (answer === "allowed") last[n] = performance.now();
      refusedLast[n] = answer === "opted-out";
      await delay(ASK_EVERY_MS * (0.5 + Math.random()));
    }
  });
  await delay(BEFORE_MS * (0.5 + Math.random()));
  await refuse[how](userId);
  const answeredAt = performance.now();
  while (refusedLast.includes(false)) await delay(5);
  await delay(AFTER_MS);
  isOver = true;
  await Promise.all(asking);
  return readers.map(({ mode }, n) => ({ mode, ms: Math.max(0, last[n]! - answeredAt) }));
}

async function scene(title: string, how: keyof typeof refuse): Promise<void> {
  const until = performance.now() + seconds * 1_000;
  const found: { mode: Reader["mode"]; ms: number }[] = [];
  await Promise.all(
    Array.from({ length: PEOPLE }, async () => {
      while (performance.now() < until) found.push(...(await stalenessOf(how)));
    }),
  );
  for (const mode of ["process", "service"] as const) {
    const ms = found.filter((f) => f.mode === mode).map((f) => f.ms);
    const shown = [percentile(ms, 0.5), percentile(ms, 0.99), Math.max(...ms)].map((n) => `${Math.round(n)} ms`);
    process.stdout.write(`| ${title} | ${mode} | ${ms.length} | ${shown.join(" | ")} |\n`);
  }
}

// The readers trust Redis once its sets are filled.
while ((await Promise.all(readers.map(({ optOuts }) => optOuts.check(strangersOf())))).flat().some((answer) => answer !== "allowed"))
  await delay(100);

const { askToSendMs, sendMs } = OPT_OUT_BOUND;
process.stdout.write(
  `An answer is used for ${askToSendMs + sendMs} ms at most, so within ${OPT_OUT_BOUND_MS} ms no reader may allow it longer than ${OPT_OUT_BOUND_MS - askToSendMs - sendMs} ms.\n\n`,
);
process.stdout.write("| | OPT_OUTS_READ | opt-outs × readers | p50 | p99 | max |\n| --- | --- | ---: | ---: | ---: | ---: |\n");
await scene("changes broadcast", "service");
// Every PUBLISH is refused from now on.
await admin.acl("SETUSER", "default", "-publish");
await scene("broadcasts lost", "service");
await scene("broadcasts and the write to Redis lost", "store");
