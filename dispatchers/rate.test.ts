import assert from "node:assert/strict";
import { test } from "node:test";
import type { NotificationClass } from "../core/delivery/channel.ts";
import type { RateLimiter } from "../core/ports/rate-limiter.ts";
import { readConfig } from "../runtime/config.ts";
import { accepted, useDispatchWorld } from "../test/support/dispatch-world.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";
import { dispatcherVariables } from "./config.ts";

const world = useDispatchWorld();
const attempt = async () => (await world.store.attempts.find([`${world.notification.id}-0/1`]))[0];

test("a task without a token returns to the queue for the limiter's delay, with its attempt's number free", async () => {
  const asked: NotificationClass[] = [];
  const rateLimiter: RateLimiter = {
    async take(notificationClass) {
      asked.push(notificationClass);
      return { kind: "later", delayMs: 3_000 };
    },
  };
  const { dispatch, sent } = world.setUp({ rateLimiter });
  assert.deepEqual(await dispatch(world.task(), "h"), { kind: "nak", delayMs: 3_000, ready: true });
  assert.deepEqual([sent().length, await attempt(), (await world.delivery()).state], [0, undefined, "pending"]);
  assert.deepEqual(asked, ["transactional"]);
  const later = world.setUp();
  await later.dispatch(world.task(), "h");
  assert.equal(later.sent().length, 1);
});

test("no token is requested for a task that will not be sent", async () => {
  let taken = 0;
  const rateLimiter: RateLimiter = {
    async take() {
      taken++;
      return { kind: "granted" };
    },
  };
  await world.setUp({ rateLimiter, optOut: "unknown" }).dispatch(world.task(), "h");
  await world.setUp({ rateLimiter, optOut: "opted-out" }).dispatch(world.task(), "h");
  await world.setUp({ rateLimiter }).dispatch({ ...world.task(), statusQuery: true }, "h");
  world.clock.advance(3_600_000);
  await world.setUp({ rateLimiter }).dispatch(world.task(), "h");
  assert.equal(taken, 0);
});

test("a further copy of a claimed task uses no token", async () => {
  let taken = 0;
  const rateLimiter: RateLimiter = {
    async take() {
      taken++;
      return { kind: "granted" };
    },
  };
  const { dispatch, sent } = world.setUp({ rateLimiter });
  await dispatch({ ...world.task(), publication: 1 }, "h");
  assert.deepEqual([taken, sent().length], [1, 1]);
  assert.deepEqual(await dispatch({ ...world.task(), publication: 2 }, "h2"), { kind: "ack" });
  assert.deepEqual([taken, sent().length], [1, 1]);
});

test("a worker that dies between its token and its claim costs a token, and nothing else", async () => {
  const crash = new Error("crash");
  const dies = world.setUp({
    rateLimiter: { take: async () => ({ kind: "granted" }) },
    failpoint: (step) => {
      if (step === "dispatcher.before-claim") throw crash;
    },
  });
  await assert.rejects(dies.dispatch(world.task(), "h"), crash);
  assert.deepEqual([dies.sent().length, await attempt()], [0, undefined]);
  const other = world.setUp({ providers: [scriptedProvider("twilio", () => accepted)] });
  await other.dispatch(world.task(), "h2");
  assert.deepEqual([other.sent().length, (await world.delivery()).state], [1, "sent"]);
});

test("a rate is a number of calls a second, or none", () => {
  const { DISPATCH_RATE_MAX } = dispatcherVariables;
  const read = (text?: string) => readConfig({ DISPATCH_RATE_MAX }, { DISPATCH_RATE_MAX: text }).DISPATCH_RATE_MAX;
  assert.deepEqual([read(), read(""), read("0.5"), read("100"), read("33.33333")], [undefined, undefined, 0.5, 100, 33.33333]);
  for (const bad of ["0", "-1", "1e3", "100001", "many"]) assert.throws(() => read(bad), /DISPATCH_RATE_MAX: must be a number from/);
});
