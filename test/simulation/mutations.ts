import type { Mutation } from "./mutation.ts";
import { WAITING_MUTATIONS } from "./waiting-mutations.ts";

/** The environment variable that names the mutation to apply. */
export const MUTATION_VARIABLE = "SIMULATION_MUTATION";
/** Each mutation must be detected within this many seeds, starting at 1. */
export const MUTATION_SEEDS = 200;

const [dispatch, admission, writer] = ["dispatchers/dispatch.ts", "dispatchers/admission.ts", "dispatchers/attempt-writer.ts"];
const [storing, evaluate, transitions] = ["gateway/storing.ts", "relay/evaluate.ts", "core/delivery/transitions.ts"];

export const MUTATIONS: readonly Mutation[] = [
  { name: "claim skipped", file: dispatch, find: 'if (claiming !== "ours")', replace: "if (false)" },
  {
    ...{ name: "acknowledged before it is recorded", file: dispatch },
    find: "await writer.record(task, claim, outcome, passage);",
    replace: "void writer.record(task, claim, outcome, passage).catch(() => undefined);",
  },
  {
    ...{ name: "next attempt after an unknown outcome", file: "core/delivery/decide.ts" },
    find: 'return { kind: "uncertain", reason: reason("outcome-unknown", outcome.fault.code) };',
    replace: 'return retry({ kind: "unavailable", fault: outcome.fault }, s, backoffMs(s.attempt, s.random));',
  },
  {
    ...{ name: "due cleared too early", file: transitions },
    find: "const set = { nextAt, publishCount: task.publication + 1, publishedAt: at.publishedAt };",
    replace: "const set = { nextAt: nextAt > 0 ? undefined : nextAt, publishCount: task.publication + 1, publishedAt: at.publishedAt };",
  },
  {
    ...{ name: "caller answered before the insert", file: storing },
    find: "const result = await inserts.add({ ...split, bytes, weight: app.limits.weight ?? 1 });",
    replace:
      'const result = await Promise.race([inserts.add({ ...split, bytes, weight: 1 }), Promise.resolve({ kind: "inserted" } as const)]);',
  },
  {
    ...{ name: "failed insert answered as accepted", file: storing },
    find: 'logFault("insert not confirmed", { err: errorLine(error) });',
    replace: 'return { kind: "accepted", record, repeatedKey: false };',
  },
  {
    ...{ name: "another payload under the same key accepted", file: "gateway/first-answer.ts" },
    find: 'if (compared === "same")',
    replace: "if (compared)",
  },
  {
    ...{ name: "content written after its notification", file: "gateway/inserts.ts" },
    find: "if (contents.length > 0) await store.contents.put(contents);",
    replace: "if (contents.length > 0) void clock.sleep(50).then(() => store.contents.put(contents)).catch(() => undefined);",
  },
  {
    ...{ name: "content not kept until its notification expires", file: "gateway/large-content.ts", begin: 34 },
    find: "contentKeepUntil(record.expiresAt, bounds)",
    replace: "contentKeepUntil(record.acceptedAt, bounds)",
  },
  {
    ...{ name: "repeated key not answered as the first time", file: storing },
    find: "return answerRepeated(result.record, candidate.request);",
    replace: "return { ...answerRepeated(result.record, candidate.request), record } as AcceptResult;",
  },
  {
    ...{ name: "overload checked after the insert", file: storing },
    find: "quotas.charge(app, costOf(Math.max(record.deliveries.length, asked), bytes));",
    replace:
      "if (load.isFull(record.notificationClass)) return rejected(overloaded());\n      quotas.charge(app, costOf(Math.max(record.deliveries.length, asked), bytes));",
  },
  {
    ...{ name: "opt-out not checked at dispatch", file: "dispatchers/recipient-check.ts" },
    find: 'if (answer === "allowed") return',
    replace: 'if (answer !== "unknown") return',
  },
  {
    ...{ name: "endpoint called whoever has it by now", file: "dispatchers/recipient-check.ts" },
    find: 'return own === undefined ? { kind: "suppressed", why: "no-endpoint" } : ask(task, own.endpoint, [userId]);',
    replace: "return ask(task, own?.endpoint ?? endpoint, [userId]);",
  },
  {
    ...{ name: "owners of an address not asked at dispatch", file: "dispatchers/recipient-check.ts" },
    find: "contacts.length > 0 ? contacts.map((contact) => contact.userId) : [undefined]",
    replace: "[undefined]",
  },
  {
    // It takes an opt-out, a stale answer and a slow claim or connection at once.
    ...{ name: "opt-out not checked again before a late call", file: dispatch, begin: 162, seeds: 1_000 },
    find: "const isFresh = () => clock.monotonic() - askedAt <= OPT_OUT_FRESH_MS;",
    replace: "const isFresh = () => clock.monotonic() - askedAt <= 60_000;",
  },
  {
    ...{ name: "number of an unconfirmed claim left to a late write", file: writer },
    find: "if (await claims.add({ ...claimed, outcome, answeredAt })) return true;",
    replace: "",
  },
  {
    ...{ name: "void attempt not claimed", file: writer },
    find: "if (await claims.add(voidAttempt(task, worker, outcome, now)))",
    replace: "",
  },
  {
    ...{ name: "outcome recorded without checking the claimant", file: writer, begin: 49 },
    find: "const result = { id, worker, outcome, answeredAt: now };",
    replace: "const result = { id, worker: undefined, outcome, answeredAt: now };",
  },
  { name: "claims of one process not distinguished", file: dispatch, begin: 50, find: "++claimCount", replace: "claimCount" },
  {
    ...{ name: "postponed task acknowledged", file: admission },
    find: 'settlement: { kind: "nak", delayMs }, why }',
    replace: 'settlement: { kind: "ack" }, why }',
  },
  {
    ...{ name: "task that waited too long acknowledged", file: "dispatchers/start-queue.ts", begin: 21 },
    find: 'classes[c].tasksOf.add(appOf(copy), -1);\n        settle({ kind: "nak", delayMs: AGAIN_MS, ready: true });',
    replace: 'classes[c].tasksOf.add(appOf(copy), -1);\n        settle({ kind: "ack" });',
  },
  {
    ...{ name: "delivery handed back without a write", file: dispatch },
    find: "const waitsMs = await writer.handBack(task, admission.wait);",
    replace: "const { waitMs: waitsMs } = admission.wait;",
  },
  {
    ...{ name: "ended by the number of its attempts", file: "core/delivery/decide.ts" },
    find: "const at = s.hasFallback ? s.now : beforeExpiry(s, waitMs);",
    replace:
      'if (s.attempt >= 12) return { kind: "failed", reason: reason("attempts-exhausted") };\n  const at = s.hasFallback ? s.now : beforeExpiry(s, waitMs);',
  },
  {
    ...{ name: "no last try before the expiry, but an early end", file: "core/delivery/decide.ts" },
    find: "if (at <= lastTryAt) return at;",
    replace: "if (at > 0) return at;",
  },
  {
    ...{ name: "what a provider asks for without a bound", file: "core/delivery/decide.ts", begin: 50 },
    find: "Math.min(retryAfterMs, ASKED_WAIT_LONGEST_MS)",
    replace: "retryAfterMs",
  },
  {
    ...{ name: "open time of a circuit without a bound", file: "core/delivery/circuit.ts" },
    find: "export const OPEN_LONGEST_MS = 300_000;",
    replace: "export const OPEN_LONGEST_MS = 3e12;",
  },
  {
    ...{ name: "receipt acknowledged but not written", file: "feedback/apply.ts", begin: 44 },
    find: "const [changed] = await applyTransitions(store.notifications, recorder, [effect.transition]);",
    replace: "const changed = true;",
  },
  {
    name: "paused worker sends",
    begin: 31,
    file: dispatch,
    find: "clock.monotonic() - claimed.startedAt <= CLAIM_TO_SEND_MS",
    replace: "claimed.startedAt > 0",
  },
  {
    ...{ name: "expiry not checked after the claim", file: dispatch, begin: 67 },
    find: "const isExpired = () => task.expiresAt <= clock.now();",
    replace: "const isExpired = () => task.expiresAt < 0;",
  },
  {
    ...{ name: "watchdog off", file: "core/delivery/watchdog.ts" },
    find: "Math.min(Math.max(WATCHDOG_LONGEST_MS, firstMs), firstMs * 2 ** Math.min(publishCount, 10))",
    replace: "publishCount * 0 + firstMs + 1e10",
  },
  {
    ...{ name: "no task republished while any task waits", file: evaluate },
    find: "mayBeQueued(n, d, s.waitingSince)",
    replace: "Number.isFinite(s.waitingSince)",
  },
  {
    ...{ name: "outcome overwritten", file: "test/simulation/memory-attempts.ts" },
    find: "if (!attempt || attempt.outcome ||",
    replace: "if (!attempt ||",
  },
  {
    ...{ name: "claim overwritten by a later one", file: "test/simulation/memory-attempts.ts" },
    find: "if (attempts.has(attempt.id)) return false;",
    replace: "",
  },
  {
    ...{ name: "unknown outcome repeated for every class and channel", file: "core/delivery/in-doubt.ts" },
    find: "if (policyResend || now >= expiresAt || !repeats[channel].includes(notificationClass)) return false;",
    replace: "if (policyResend || now >= expiresAt || repeats[channel].length === 0) return false;\n  if (now > 0) return true;",
  },
  {
    ...{ name: "unknown outcome repeated without end", file: "core/delivery/in-doubt.ts" },
    find: "if (policyResend || now >= expiresAt ||",
    replace: "if (now >= expiresAt ||",
  },
  {
    ...{ name: "resend after an unknown outcome not recorded", file: transitions },
    find: "...(retry.policyResend ? { policyResend: true } : {}),",
    replace: "",
  },
  {
    ...{ name: "worker declared lost at once", file: evaluate },
    find: "if (s.now >= lostAt) return",
    replace: "if (s.now >= attempt.startedAt) return",
  },
  {
    ...{ name: "unknown outcome given up at once", file: evaluate },
    find: "const until = since + uncertainWaitMs(situation, s.confirmationOf(attempt.provider), s.uncertainWaitMs);",
    replace: "const until = since;",
  },
  {
    ...{ name: "absence at the provider treated as not sent", file: "dispatchers/status-query.ts" },
    find: 'const nothing = (finding: Exclude<Finding, { kind: "found" }>) => ({\n  outcome: undefined,',
    replace: 'const nothing = (finding: Exclude<Finding, { kind: "found" }>) => ({\n  outcome: { kind: "rejected", reason: "absent" },',
  },
  {
    ...{ name: "purged by acceptance time", file: "test/simulation/memory-notifications.ts" },
    find: "const endOf = (record: NotificationRecord) => endedAt(record) ?? Number.POSITIVE_INFINITY;",
    replace: "const endOf = (record: NotificationRecord) => record.acceptedAt;",
  },
  {
    ...{ name: "purged at once", file: "core/delivery/lifetime.ts" },
    find: "PURGE_AGE_MS_MIN = EXPIRY_MAX_MS + 7 * DAY_MS",
    replace: "PURGE_AGE_MS_MIN = 0 * DAY_MS",
  },
  {
    ...{ name: "attempts purged, their notifications kept", file: "test/simulation/memory-notifications.ts" },
    find: "for (const { id } of taken.records) records.delete(id);",
    replace: "",
  },
  {
    ...{ name: "void attempt made for a stale copy", file: admission },
    find: "if (task.expiresAt <= clock.now() - TASK_STALE_MS)",
    replace: "if (false)",
  },
  {
    ...{ name: "event counted for a change that was not applied", file: "core/delivery/apply-transitions.ts" },
    find: "(applied[i] ? events : [])",
    replace: "(applied.length > i ? events : [])",
  },
  {
    ...{ name: "end state overwritten", file: "test/simulation/memory-notifications.ts" },
    find: "|| !expect.states.includes(delivery.state)",
    replace: "",
  },
  {
    ...{ name: "task beyond its app's share is not due", file: "gateway/route.ts" },
    find: "publishCount: 0, nextAt: sendAt }",
    replace: "publishCount: 0, nextAt: scheduled ? sendAt : sendAt + 1e10 }",
  },
  {
    ...{ name: "task held back by the relay is not due again", file: transitions },
    find: "nextAt: Math.min(now + Math.ceil(waitMs), latest(task, now)), publishedAt: 0",
    replace: "nextAt: now + waitMs + 1e10, publishedAt: 0",
  },
  {
    ...{ name: "delivery without room in its queue delays the others", file: "core/delivery/outbox-key.ts", begin: 60 },
    find: "isUnderKey(d) ? (d.expiresAt ?? expiresAt) : d.nextAt",
    replace: "d.expiresAt ?? expiresAt",
  },
  ...WAITING_MUTATIONS,
];
