import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import type { AttemptOutcome, AttemptRecord } from "../../core/ports/attempt-store.ts";
import { type Audit, audit, createAudit, EXAMPLES_MAX } from "./audit.ts";

const delivery = (id: string, over: Partial<Delivery>): Delivery => ({
  id,
  channel: "sms",
  state: "sent",
  attempt: 1,
  publishCount: 1,
  endedAt: 5,
  ...over,
});
const notification = (...deliveries: Delivery[]) => ({ id: "n", sendAt: 0, deliveries }) as unknown as NotificationRecord;
const attempt = (deliveryId: string, number: number, outcome?: AttemptOutcome, over: Partial<AttemptRecord> = {}): AttemptRecord => ({
  ...{ id: `${deliveryId}/${number}`, deliveryId, number, worker: "w", provider: "p", startedAt: 1, deadlineAt: 2, outcome, ...over },
});
const accepted = { kind: "accepted", providerRef: "x" } as const;
const rejected = { kind: "rejected", reason: "no" } as const;
const unanswered = { kind: "unanswered", fault: { code: "reset" } } as const;
const unavailable = { kind: "unavailable", fault: { code: "http-503" } } as const;
const closed = { kind: "void", state: "suppressed", reason: { code: "opted-out" } } as const;
const resolvedAs = (outcome: typeof accepted | typeof rejected, by: "receipt" | "status-query" = "receipt") => ({
  resolution: { outcome, by, at: 3 },
});
const broken = (a: Audit) => a.checks.filter((c) => !c.holds).map((c) => c.promise);
const examples = (a: Audit, promise: string) => a.checks.find((c) => c.promise === promise)?.examples;
const taken = (...ids: string[]) => new Map([...Map.groupBy(ids, (id) => id)].map(([id, all]) => [id, all.length]));

const ONCE = "3 no second send (attempts)";
const TAKEN_ONCE = "3 no second send (providers)";

test("holds for a delivery that failed over once and was sent", () => {
  const a = audit([notification(delivery("a", { attempt: 2 }))], [attempt("a", 1, unavailable), attempt("a", 2, accepted)], {
    taken: taken("a"),
    accepted: ["a"],
  });
  assert.deepEqual(broken(a), []);
  assert.deepEqual([a.notifications, a.deliveries, a.attempts, a.ended, a.open], [1, 1, 2, 1, 0]);
  assert.equal(a.checks.length, 9);
});

test("notices an accepted delivery that the store does not have, and an attempt of one", () => {
  assert.deepEqual(broken(audit([], [], { accepted: ["a"] })), ["1 accepted is kept"]);
  assert.deepEqual(broken(audit([], [attempt("a", 1, accepted)])), ["1 no attempt without its notification"]);
});

test("notices an open delivery that is never due, and an ended one that still is", () => {
  const a = audit(
    [
      notification(
        delivery("a", { state: "pending", endedAt: undefined }),
        delivery("b", { state: "failed", nextAt: 9 }),
        delivery("c", { state: "failed", endedAt: undefined }),
        delivery("d", { state: "failed" }),
      ),
    ],
    [],
  );
  assert.deepEqual(examples(a, "2 accepted = ends + open"), ["a", "b", "c"]);
});

test("notices an uncertain delivery without uncertainSince", () => {
  const uncertain = { state: "uncertain", endedAt: undefined, nextAt: 9 } as const;
  const n = notification(delivery("a", { ...uncertain, uncertainSince: 3 }), delivery("b", uncertain));
  const a = audit([n], [attempt("a", 1, unanswered), attempt("b", 1, unanswered)]);
  assert.deepEqual(broken(a), ["2 uncertain has a next check"]);
  assert.deepEqual(examples(a, "2 uncertain has a next check"), ["b"]);
});

const SECOND_SENDS: readonly [what: string, attempts: AttemptRecord[], breaks: boolean][] = [
  ["after an unknown outcome", [attempt("a", 1, unanswered), attempt("a", 2, accepted)], true],
  ["while the first is under way", [attempt("a", 1), attempt("a", 2)], true],
  ["after the provider took it", [attempt("a", 1, accepted), attempt("a", 2, unanswered)], true],
  ["after a receipt confirmed it", [attempt("a", 1, unanswered, resolvedAs(accepted)), attempt("a", 2)], true],
  [
    "after a status query found it rejected",
    [attempt("a", 1, unanswered, resolvedAs(rejected, "status-query")), attempt("a", 2, accepted)],
    false,
  ],
  ["where accepted and later reported as rejected", [attempt("a", 1, accepted, resolvedAs(rejected)), attempt("a", 2, accepted)], true],
  ["after a number closed without a call", [attempt("a", 1, closed), attempt("a", 2, accepted)], false],
  ["the policy's repetition", [attempt("a", 1, unanswered), attempt("a", 2, accepted, { policyResend: true })], false],
  [
    "two repetitions by policy",
    [attempt("a", 1, unanswered), attempt("a", 2, unanswered, { policyResend: true }), attempt("a", 3, accepted, { policyResend: true })],
    true,
  ],
  ["an operator's redrive", [attempt("a", 1, unanswered), attempt("a", 2, accepted, { redrive: 1 })], false],
  ["two sends of one redrive", [attempt("a", 2, unanswered, { redrive: 1 }), attempt("a", 3, accepted, { redrive: 1 })], true],
  [
    "a redrive and its repetition by policy",
    [
      attempt("a", 1, unanswered),
      attempt("a", 2, unanswered, { redrive: 1 }),
      attempt("a", 3, accepted, { redrive: 1, policyResend: true }),
    ],
    false,
  ],
];
for (const [what, attempts, breaks] of SECOND_SENDS)
  test(`a second attempt ${what} ${breaks ? "breaks" : "keeps"} the promise`, () => {
    const n = notification(delivery("a", { state: "failed", attempt: 3 }));
    assert.deepEqual(broken(audit([n], attempts)), breaks ? [ONCE] : []);
  });

const TAKEN: readonly [what: string, attempts: AttemptRecord[], most: number][] = [
  ["without any attempt", [], 0],
  ["with a number closed without a call", [attempt("a", 1, closed)], 0],
  ["by one attempt", [attempt("a", 1, accepted)], 1],
  ["by two attempts of which one is known as not sent", [attempt("a", 1, unavailable), attempt("a", 2, accepted)], 1],
  ["with the policy's repetition", [attempt("a", 1, unanswered), attempt("a", 2, accepted, { policyResend: true })], 2],
  ["with a redrive", [attempt("a", 1, unanswered), attempt("a", 2, accepted, { redrive: 1 })], 2],
  [
    "with a redrive and its repetition",
    [
      attempt("a", 1, unanswered),
      attempt("a", 2, unanswered, { redrive: 1 }),
      attempt("a", 3, accepted, { redrive: 1, policyResend: true }),
    ],
    3,
  ],
  [
    "by one that accepted and later reported that it did not send",
    [attempt("a", 1, unanswered, resolvedAs(rejected)), attempt("a", 2, accepted)],
    2,
  ],
];
for (const [what, attempts, most] of TAKEN)
  test(`providers accept a delivery ${what}: ${most} times at most`, () => {
    const n = notification(delivery("a", { state: "failed", reason: { code: "outcome-unknown" }, attempt: 3 }));
    const times = (count: number) => taken(...Array.from({ length: count }, () => "a"));
    assert.deepEqual(broken(audit([n], attempts, { taken: times(most) })), []);
    assert.deepEqual(broken(audit([n], attempts, { taken: times(most + 1) })), [TAKEN_ONCE]);
  });

test("notices deliveries that providers accepted and the store does not have", () => {
  const a = audit([notification(delivery("a", {}))], [attempt("a", 1, accepted)], { taken: taken("a", "b") });
  assert.deepEqual([broken(a), examples(a, TAKEN_ONCE)], [[TAKEN_ONCE], ["b"]]);
});

test("notices a provider that accepted a suppressed delivery, unless an earlier attempt may have been sent", () => {
  const suppressed = (attempt: number) => notification(delivery("a", { state: "suppressed", reason: { code: "opted-out" }, attempt }));
  const judge = (n: NotificationRecord, ...attempts: AttemptRecord[]) => broken(audit([n], attempts, { taken: taken("a") }));
  assert.deepEqual(judge(suppressed(1)), [TAKEN_ONCE, "4 an opt-out is obeyed"]);
  assert.deepEqual(judge(suppressed(1), attempt("a", 1, accepted)), ["4 an opt-out is obeyed"]);
  assert.deepEqual(judge(suppressed(2), attempt("a", 1, unanswered), attempt("a", 2, closed)), []);
  assert.deepEqual(judge(suppressed(2), attempt("a", 1, accepted), attempt("a", 2, closed, { redrive: 1 })), []);
});

test("notices a sent or delivered delivery that no attempt can have sent, or that no provider accepted", () => {
  for (const state of ["sent", "delivered"] as const)
    for (const made of [[], [attempt("a", 1, unavailable)], [attempt("a", 1)], [attempt("a", 1, unanswered, resolvedAs(rejected))]])
      assert.deepEqual(broken(audit([notification(delivery("a", { state }))], made)), ["3 sent has its attempt"]);
  assert.deepEqual(broken(audit([notification(delivery("a", {}))], [attempt("a", 1, accepted)], { taken: taken() })), [
    "2 sent has arrived",
  ]);
});

test("counts how unknown outcomes were resolved", () => {
  const failed = { state: "failed", reason: { code: "outcome-unknown" } } as const;
  const open = { state: "uncertain", uncertainSince: 1, nextAt: 2, endedAt: undefined } as const;
  const n = notification(
    ...["receipt", "late"].map((id) => delivery(id, {})),
    ...["found", "given-up"].map((id) => delivery(id, failed)),
    delivery("open", open),
    delivery("at-work", { state: "pending", nextAt: 2, endedAt: undefined }),
    delivery("repeated", { attempt: 2, policyResend: true }),
    delivery("redriven", { state: "pending", nextAt: 2, endedAt: undefined, attempt: 2, redrive: 1 }),
  );
  const a = audit(
    [n],
    [
      attempt("receipt", 1, undefined, resolvedAs(accepted)),
      attempt("found", 1, unanswered, resolvedAs(rejected, "status-query")),
      ...["late", "given-up", "open", "repeated", "redriven"].map((id) => attempt(id, 1, unanswered)),
      attempt("at-work", 1),
      attempt("repeated", 2, accepted, { policyResend: true }),
    ],
  );
  assert.deepEqual(a.uncertain, {
    ...{ receipt: 1, "status-query": 1, "late answer": 1, "given up": 1, open: 1 },
    ...{ "repeated by policy": 1, "redriven by an operator": 1 },
  });
  assert.deepEqual(broken(a), []);
});

test("counts every break and names the first, and waits by their percentiles, over any number of pages", () => {
  const counting = createAudit({ witnessed: false });
  for (let i = 0; i < 1_000; i++)
    for (const breaks of counting.add([notification(delivery(`${i}`, {}))], [attempt(`${i}`, 1, unavailable, { startedAt: i })]).values())
      counting.report(breaks);
  const a = counting.result();
  const check = a.checks.find((c) => c.promise === "3 sent has its attempt");
  assert.deepEqual([check?.broken, check?.examples.length, check?.examples[0]], [1_000, EXAMPLES_MAX, "0"]);
  const { p50, p99 } = a.waits.sms;
  assert.ok(p50! >= 499 && p50! < 499 * 1.011, `${p50}`);
  assert.ok(p99! >= 989 && p99! < 989 * 1.011, `${p99}`);
  assert.equal(a.waits.apns.p50, undefined);
});

test("accepts a number voided for an earlier accepted attempt as proof, even if the provider had first rejected that attempt", () => {
  const arrived = { kind: "void", state: "delivered", reason: { code: "superseded" } } as const;
  const closing = attempt("a", 2, arrived, { provider: "" });
  const known = { taken: taken("a") };
  assert.deepEqual(
    broken(audit([notification(delivery("a", { state: "delivered", attempt: 2 }))], [attempt("a", 1, unavailable), closing], known)),
    [],
  );
  const none = audit([notification(delivery("a", { attempt: 2 }))], [attempt("a", 1, unavailable), attempt("a", 2, closed)], known);
  assert.deepEqual(broken(none), ["3 sent has its attempt"]);
});
