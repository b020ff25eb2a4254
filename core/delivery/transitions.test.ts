import assert from "node:assert/strict";
import { test } from "node:test";
import { ignoreEvents } from "../../test/support/changes.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { applyTransitions } from "./apply-transitions.ts";
import type { DeliveryEvent } from "./event.ts";
import { reason } from "./reason.ts";
import {
  accepted,
  attempted,
  decided,
  deferred,
  expired,
  factsOf,
  failed,
  handedBack,
  heldBack,
  inDoubt,
  notPublished,
  postponed,
  published,
  redriven,
  reported,
  retried,
  sent,
  statusQueried,
  type Transition,
  voided,
  waiting,
} from "./transitions.ts";

const NOW = 1_000_000;
const n = sampleNotification("one", NOW);
const on = factsOf(n, n.deliveries[0]!);
const task = { ...on, publication: 2, policyResend: false };
const why = reason("unavailable", "http-503");

/** Each transition: what it sets, from which states, and the events it means. */
const CASES: readonly [name: string, Transition, from: string[], set: object, events: [kind: string, state: string, attempt: number][]][] =
  [
    [
      "published",
      published(task, { now: NOW, publishedAt: NOW + 1, watchdogFirstMs: 30_000 }),
      ["pending"],
      { nextAt: NOW + 120_000, publishCount: 3, publishedAt: NOW + 1 },
      [["published", "pending", 1]],
    ],
    [
      "not published",
      notPublished(task, { now: NOW, waitMs: 2_000, dueAt: NOW - 1 }),
      ["pending"],
      { nextAt: NOW + 2_000, publishCount: 2 },
      [],
    ],
    [
      "not published, expired",
      notPublished({ ...task, expiresAt: 5 }, { now: NOW, waitMs: 9, dueAt: 4 }),
      ["pending"],
      { nextAt: NOW + 1, publishCount: 2 },
      [],
    ],
    [
      "handed back",
      handedBack(task, { nextAt: NOW + 8, reason: why }),
      ["pending"],
      { nextAt: NOW + 8, reason: why, publishedAt: 0, publishCount: 3 },
      [],
    ],
    ["status queried", statusQueried(task, NOW + 8), ["uncertain"], { nextAt: NOW + 8, publishCount: 3 }, []],
    ["waiting", waiting(on, NOW + 8, NOW), ["pending"], { nextAt: NOW + 8 }, []],
    ["postponed", postponed(on, "pending", NOW + 8), ["pending"], { nextAt: NOW + 8 }, []],
    [
      "sent",
      sent(on, { providerRef: "r" }, NOW),
      ["pending", "uncertain"],
      { state: "sent", providerRef: "r", reason: undefined, nextAt: undefined, endedAt: NOW },
      [["sent", "sent", 1]],
    ],
    [
      "expired",
      expired(on, why, NOW),
      ["pending", "uncertain"],
      { state: "expired", reason: why, nextAt: undefined, endedAt: NOW },
      [["expired", "expired", 1]],
    ],
    [
      "failed",
      failed(on, why, NOW),
      ["pending", "uncertain"],
      { state: "failed", reason: why, nextAt: undefined, endedAt: NOW },
      [["failed", "failed", 1]],
    ],
    [
      "retried",
      retried(on, { kind: "retry", at: NOW + 5, reason: why }, NOW),
      ["pending", "uncertain"],
      { state: "pending", attempt: 2, publishCount: 0, nextAt: NOW + 5, reason: why, uncertainSince: undefined },
      [["retried", "pending", 2]],
    ],
    [
      "retried by the policy of its class",
      decided(on, { kind: "retry", at: NOW + 5, reason: why, policyResend: true }, NOW),
      ["pending", "uncertain"],
      { state: "pending", attempt: 2, publishCount: 0, nextAt: NOW + 5, reason: why, uncertainSince: undefined, policyResend: true },
      [["repeated", "pending", 2]],
    ],
    [
      "in doubt",
      inDoubt(on, why, NOW),
      ["pending"],
      { state: "uncertain", uncertainSince: NOW, nextAt: NOW + 2_000, reason: why },
      [["in-doubt", "uncertain", 1]],
    ],
    [
      "voided",
      voided(on, { kind: "void", state: "suppressed", reason: reason("opted-out") }, NOW),
      ["pending", "uncertain"],
      { state: "suppressed", reason: reason("opted-out"), nextAt: undefined, endedAt: NOW },
      [["suppressed", "suppressed", 1]],
    ],
    [
      "reported",
      reported(on, ["failed"], { state: "delivered", reason: undefined, providerRef: "r" }, NOW),
      ["failed"],
      { state: "delivered", reason: undefined, providerRef: "r", nextAt: undefined, endedAt: NOW },
      [["delivered", "delivered", 1]],
    ],
    [
      "redriven",
      redriven(on, { at: NOW + 5, redrive: 1 }, NOW),
      ["failed"],
      {
        ...{ state: "pending", attempt: 2, runStart: 2, publishCount: 0, nextAt: NOW + 5, redrive: 1 },
        ...{ endedAt: undefined, reason: undefined, uncertainSince: undefined, policyResend: undefined, providerRef: undefined },
      },
      [["redriven", "pending", 2]],
    ],
  ];
for (const [name, { change, events }, from, set, kinds] of CASES)
  test(`${name}: the change, where it applies, and its events`, () => {
    assert.deepEqual([change.notificationId, change.deliveryId], [n.id, on.deliveryId]);
    const { publishCounts: _of, nextAt: _since, ...expect } = change.expect;
    assert.deepEqual(expect, { attempt: 1, states: from });
    assert.deepEqual(change.set, set);
    assert.deepEqual(
      events.map((e) => [e.kind, e.state, e.attempt]),
      kinds,
    );
  });

test("an event is complete in itself", () => {
  assert.deepEqual(failed(on, why, NOW).events, [
    {
      ...{ kind: "failed", notificationId: n.id, deliveryId: on.deliveryId, channel: on.channel, category: n.category },
      ...{ notificationClass: n.notificationClass, state: "failed", attempt: 1, reason: why, at: NOW },
    },
  ]);
});

test("acceptance is an event of each delivery, and a second one where it is suppressed at once", () => {
  const [d] = n.deliveries;
  const suppressed = { ...d!, state: "suppressed", reason: reason("no-endpoint") } as const;
  const events = accepted({ ...n, deliveries: [d!, suppressed] });
  assert.deepEqual(
    events.map(({ kind, state }) => `${kind} ${state}`),
    ["accepted pending", "accepted pending", "suppressed suppressed"],
  );
  assert.equal(attempted(on, NOW).kind, "attempted");
});

test("only events of changes that the store applied are recorded", async () => {
  const recorded: DeliveryEvent[] = [];
  const transitions = [sent(on, { providerRef: "r" }, NOW), failed(on, why, NOW), expired(on, why, NOW)];
  const store = { change: async () => [true, false, true] };
  const recorder = { record: (events: readonly DeliveryEvent[]) => void recorded.push(...events) };
  assert.deepEqual(await applyTransitions(store, recorder, transitions), [true, false, true]);
  assert.deepEqual(
    recorded.map(({ kind }) => kind),
    ["sent", "expired"],
  );
  const away = { change: () => Promise.reject(new Error("store unavailable")) };
  await assert.rejects(applyTransitions(away, recorder, transitions));
  assert.equal(recorded.length, 2);
  assert.deepEqual(await applyTransitions({ change: async () => [] }, ignoreEvents, []), []);
});

test("a copy that was handed back stays so, though the relay notes later that it published it; where a later copy counts, it is not touched", () => {
  const back = handedBack(task, { nextAt: NOW + 8, reason: why }).change;
  const noted = published(task, { now: NOW, publishedAt: NOW + 1, watchdogFirstMs: 30_000 }).change;
  assert.ok(!noted.expect.publishCounts?.includes(back.set.publishCount!), "the note comes too late");
  assert.ok(back.expect.publishCounts?.includes(noted.set.publishCount!), "the note came first");
  const later = published({ ...task, publication: task.publication + 1 }, { now: NOW, publishedAt: NOW, watchdogFirstMs: 30_000 }).change;
  assert.ok(!back.expect.publishCounts?.includes(later.set.publishCount!));
});

test("what repeats an attempt of unknown outcome keeps its reason while it waits for a moment, and says which circuit it waits for", () => {
  const repeat = { ...task, policyResend: true };
  const quiet = { nextAt: NOW + 8, reason: reason("quiet-hours") };
  const [back, later] = [handedBack(repeat, quiet), deferred(repeat, { ...quiet, dueAt: NOW })];
  for (const { change } of [back, later]) assert.deepEqual([change.set.nextAt, "reason" in change.set], [NOW + 8, false]);
  assert.deepEqual(handedBack(repeat, { ...quiet, reason: why }).change.set.reason, why);
  assert.deepEqual(deferred(task, { ...quiet, dueAt: NOW }).change.set.reason, quiet.reason);
});

test("what waits since a due time was read gives way to a due time that was set meanwhile", () => {
  const delay = { now: NOW, waitMs: 9, dueAt: NOW - 7 };
  for (const { change } of [notPublished(task, delay), heldBack(task, delay), waiting(on, NOW + 9, NOW - 7)])
    assert.equal(change.expect.nextAt, NOW - 7);
});
