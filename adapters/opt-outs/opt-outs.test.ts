// What gateways and dispatchers rely on, whoever reads the opt-outs: the own process, or the preferences service.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { OptOutQuestion, OptOuts } from "../../core/ports/opt-outs.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { createPreferenceHandlers } from "../../preferences/preference-handlers.ts";
import { systemClock } from "../../runtime/clock.ts";
import { authenticateInternal } from "../../runtime/grpc/internal-call.ts";
import { serveHandlers } from "../../runtime/grpc/serve-handlers.ts";
import { startGrpcServer } from "../../runtime/grpc/server.ts";
import { createLogger } from "../../runtime/logger.ts";
import { changing } from "../../test/support/changing.ts";
import { eventually } from "../../test/support/eventually.ts";
import { APP, BUCKETS, question, usePreferencesWorld } from "../../test/support/preferences-world.ts";
import { endpointId } from "../ids.ts";
import { createOptOutsClient } from "../preferences/opt-outs-client.ts";
import { createOptOutReader } from "./opt-out-reader.ts";
import { createPreferences } from "./preferences.ts";

const world = usePreferencesWorld();
const log = createLogger("test", "silent");
const everything = [{ channel: "*", category: "*" }] as const;

/** Each with a connection of its own: a reader reconnects when it doubts that it reads from the right server. */
async function partsIn(stack: AsyncDisposableStack) {
  const redis = stack.adopt(world.redis.duplicate(), (connection) => connection.disconnect());
  await redis.connect();
  return {
    redis,
    store: world.watched.store,
    apps: world.store.apps,
    profiles: world.store.profiles,
    clock: systemClock,
    log,
    buckets: BUCKETS,
  };
}

const READERS: Record<string, (stack: AsyncDisposableStack) => Promise<OptOuts>> = {
  "the own process": async (stack) => stack.use(createOptOutReader(await partsIn(stack))),
  "the preferences service": async (stack) => {
    const preferences = stack.use(createPreferences(await partsIn(stack)));
    const calls = { log, authenticate: authenticateInternal(() => ["token"]) };
    const services = [serveHandlers(PreferenceServiceService, createPreferenceHandlers(preferences), calls)];
    const server = stack.use(await startGrpcServer({ address: "127.0.0.1:0", services, reflection: false, log, drainMs: 100 }));
    return stack.use(createOptOutsClient({ address: `127.0.0.1:${server.port}`, tokens: () => ["token"], log }));
  },
};

for (const [name, open] of Object.entries(READERS)) {
  const check = async (questions: OptOutQuestion[], then: (optOuts: OptOuts) => Promise<void>, updates = true) => {
    await using stack = new AsyncDisposableStack();
    // Another process, which takes changes and fills Redis.
    if (updates) await filled(stack);
    const optOuts = await open(stack);
    await eventually("it can be read", async () => !(await optOuts.check(questions)).includes("unknown"));
    await then(optOuts);
  };
  const filled = async (stack: AsyncDisposableStack) => {
    const preferences = stack.use(createPreferences(await partsIn(stack)));
    await world.redisAnswers(preferences);
    return preferences;
  };

  test(`${name}: answers in the order of the questions, by user, endpoint, channel and category`, async () => {
    const phone: Endpoint = { channel: "sms", phoneNumber: "+491701234567" };
    await world.store.preferences.update(APP, userSubject("ada"), changing([{ channel: "email", category: "news" }]), 1);
    await world.store.preferences.update(APP, endpointSubject(endpointId(phone)), changing(everything), 2);
    const questions = [
      question("ada", undefined, "email", "news"),
      question("ada", undefined, "email", "orders"),
      question("ada", undefined, "sms", "news"),
      question("bob", phone, "sms", "news"),
      question("bob", undefined, "sms", "news"),
      question("ada", undefined, "email", "news", "another-app"),
    ];
    await check(questions, async (optOuts) =>
      assert.deepEqual(await optOuts.check(questions), ["opted-out", "allowed", "allowed", "opted-out", "allowed", "allowed"]),
    );
  });

  test(`${name}: an opt-out that another process took is obeyed, and so is its withdrawal`, async () => {
    await using stack = new AsyncDisposableStack();
    const other = await filled(stack);
    await check(
      [question("eve")],
      async (optOuts) => {
        const answer = async () => (await optOuts.check([question("eve")]))[0];
        assert.equal(await answer(), "allowed");
        await other.update(APP, userSubject("eve"), changing(everything));
        await eventually("it is obeyed", async () => (await answer()) === "opted-out");
        await other.update(APP, userSubject("eve"), changing([], everything));
        await eventually("it is withdrawn", async () => (await answer()) === "allowed");
      },
      false,
    );
  });

  test(`${name}: a question without user and endpoint is unknown, and none is no answer`, async () => {
    await check([question("ada")], async (optOuts) => {
      assert.deepEqual(await optOuts.check([question(undefined), question("ada")]), ["unknown", "allowed"]);
      assert.deepEqual(await optOuts.check([]), []);
    });
  });

  test(`${name}: without Redis' sets the store answers, and without the store the answer is unknown`, async () => {
    await world.store.preferences.update(APP, userSubject("ada"), changing(everything), 1);
    const questions = [question("ada"), question("bob")];
    await check(
      questions,
      async (optOuts) => {
        await world.redis.flushall();
        assert.deepEqual(await optOuts.check([question("ada"), question("carl")]), ["opted-out", "allowed"]);
        world.watched.away = true;
        await world.redis.flushall();
        assert.deepEqual(await optOuts.check([question("dora")]), ["unknown"]);
      },
      false,
    );
  });

  test(`${name}: many questions at once are answered each`, async () => {
    await world.store.preferences.update(APP, userSubject("u7"), changing(everything), 1);
    const questions = Array.from({ length: 3_000 }, (_, n) => question(`u${n}`));
    await check([question("u1")], async (optOuts) => {
      const answers = await Promise.all(questions.map(async (q) => (await optOuts.check([q]))[0]));
      assert.deepEqual(
        answers.flatMap((answer, n) => (answer === "allowed" ? [] : [`u${n} ${answer}`])),
        ["u7 opted-out"],
      );
    });
  });
}

test("a process that only reads leaves lost sets to the preferences service", async () => {
  await using stack = new AsyncDisposableStack();
  const reader = stack.use(createOptOutReader(await partsIn(stack)));
  await eventually("it sweeps", async () => (await world.redis.keys("carillon:opt-out:sweeps:*")).length === 1);
  assert.deepEqual(await reader.check([question("ada")]), ["allowed"], "from the store");
  await eventually(
    "it swept again",
    async () => Number(await world.redis.get((await world.redis.keys("carillon:opt-out:sweeps:*"))[0]!)) >= 2,
  );
  assert.equal((await world.redis.keys("carillon:opt-out:{*")).length, 0);
  stack.use(createPreferences(await partsIn(stack)));
  await eventually("they are filled", async () => (await world.redis.keys("carillon:opt-out:{*")).length === BUCKETS);
});

test("what a process that only reads finds incomplete, the preferences service fills", async () => {
  await using stack = new AsyncDisposableStack();
  stack.use(createPreferences(await partsIn(stack)));
  const reader = stack.use(createOptOutReader(await partsIn(stack)));
  const buckets = () => world.redis.keys("carillon:opt-out:{*");
  await eventually("they are filled", async () => (await buckets()).length === BUCKETS);
  const everyone = Array.from({ length: 8 * BUCKETS }, (_, n) => question(`u${n}`));
  await eventually("Redis answers", async () => {
    world.watched.found = [];
    await reader.check(everyone);
    return world.watched.found.length === 0;
  });
  const [lost] = await buckets();
  await world.redis.del(lost!);
  await eventually("it is filled again", async () => {
    await reader.check(everyone);
    return (await buckets()).length === BUCKETS;
  });
  await world.redis.flushall();
  await eventually("all are filled again", async () => {
    await reader.check(everyone);
    return (await buckets()).length === BUCKETS;
  });
});
