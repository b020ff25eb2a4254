import assert from "node:assert/strict";
import { test } from "node:test";
import { audit } from "./audit.ts";
import type { Delivery, NotificationRecord } from "./notification.ts";
import type { AttemptOutcome, AttemptRecord } from "./ports/attempt-store.ts";

const delivery = (id: string, over: Partial<Delivery>): Delivery => ({
  id,
  channel: "sms",
  state: "sent",
  attempt: 1,
  publications: 1,
  endedAt: 5,
  ...over,
});
const notification = (...deliveries: Delivery[]) => ({ id: "n", deliveries }) as NotificationRecord;
const attempt = (deliveryId: string, number: number, outcome?: AttemptOutcome, policyResend = false): AttemptRecord => ({
  ...{ id: `${deliveryId}/${number}`, deliveryId, number, worker: "w", provider: "p", startedAt: 1, deadlineAt: 2, policyResend, outcome },
});
const accepted = { kind: "accepted", providerRef: "x" } as const;
const unanswered = { kind: "unanswered", fault: { code: "reset" } } as const;
const unavailable = { kind: "unavailable", fault: { code: "http-503" } } as const;
const broken = (a: ReturnType<typeof audit>) => a.checks.filter((c) => !c.holds).map((c) => c.promise);
const taken = (...ids: string[]) => new Map([...Map.groupBy(ids, (id) => id)].map(([id, all]) => [id, all.length]));

test("holds for a delivery that failed over once and was sent", () => {
  const a = audit([notification(delivery("a", { attempt: 2 }))], [attempt("a", 1, unavailable), attempt("a", 2, accepted)], {
    taken: taken("a"),
    accepted: ["a"],
  });
  assert.deepEqual(broken(a), []);
  assert.equal(a.ended, 1);
});

test("notices an accepted delivery that the store does not have", () => {
  assert.deepEqual(broken(audit([], [], { accepted: ["a"] })), ["1 accepted is kept"]);
});

test("notices an open delivery nobody will look at, and an end somebody still would", () => {
  const a = audit(
    [notification(delivery("a", { state: "pending", endedAt: undefined }), delivery("b", { state: "failed", nextAt: 9 }))],
    [],
  );
  assert.deepEqual(a.checks[0]?.examples, ["a", "b"]);
});

test("notices two attempts either of which may have been sent", () => {
  const a = audit([notification(delivery("a", { attempt: 2 }))], [attempt("a", 1, unanswered), attempt("a", 2, accepted)]);
  assert.deepEqual(broken(a), ["3 no second send (attempts)"]);
});

test("allows the one repetition a class's policy declares, and no more", () => {
  const once = [attempt("a", 1, unanswered), attempt("a", 2, accepted, true)];
  assert.deepEqual(broken(audit([notification(delivery("a", { attempt: 2 }))], once, { taken: taken("a", "a") })), []);
  const twice = [...once, attempt("a", 3, accepted, true)];
  assert.deepEqual(broken(audit([notification(delivery("a", { attempt: 3 }))], twice)), ["3 no second send (attempts)"]);
});

test("notices a provider that took a delivery twice, and one that took what was suppressed", () => {
  const sent = audit([notification(delivery("a", {}))], [attempt("a", 1, accepted)], { taken: taken("a", "a") });
  assert.deepEqual(broken(sent), ["3 no second send (providers)"]);
  const refused = audit([notification(delivery("a", { state: "suppressed", reason: "opted-out" }))], [], { taken: taken("a") });
  assert.deepEqual(broken(refused), ["4 a refusal is obeyed"]);
});

test("notices a delivery called sent that no provider has", () => {
  assert.deepEqual(broken(audit([notification(delivery("a", {}))], [attempt("a", 1, accepted)], { taken: taken() })), [
    "2 sent has arrived",
  ]);
});
