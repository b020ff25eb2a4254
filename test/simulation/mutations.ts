/** The environment variable that names the mutation wanted. */
export const MUTATION_VARIABLE = "SIMULATION_MUTATION";
/** Within so many seeds, from 1, each must be noticed. */
export const MUTATION_SEEDS = 200;

/** The code broken on purpose in one place: a simulation that does not notice proves nothing. */
export interface Mutation {
  name: string;
  /** From the root of the repository. */
  file: string;
  /** Stands there exactly once. */
  find: string;
  replace: string;
  /** Where it takes a rare coincidence to notice it: within so many seeds instead. */
  seeds?: number;
}

const [dispatch, admission, writer] = ["dispatchers/dispatch.ts", "dispatchers/admission.ts", "dispatchers/attempt-writer.ts"];
const [accept, evaluate, transitions] = ["gateway/accept.ts", "relay/evaluate.ts", "core/delivery/transitions.ts"];

export const MUTATIONS: readonly Mutation[] = [
  { name: "claim skipped", file: dispatch, find: 'if (claiming !== "ours")', replace: "if (false)" },
  {
    ...{ name: "acknowledged before it is recorded", file: dispatch },
    find: "await writer.record(task, claim, outcome);",
    replace: "void writer.record(task, claim, outcome).catch(() => undefined);",
  },
  {
    ...{ name: "next attempt after an unknown one", file: "core/delivery/decide.ts" },
    find: 'return { kind: "uncertain", reason: reason("outcome-unknown", outcome.fault.code) };',
    replace: 'return retryAt({ kind: "unavailable", fault: outcome.fault }, s, backoffMs(s.attempt, s.random));',
  },
  {
    ...{ name: "due cleared too early", file: transitions },
    find: "const set = { nextAt, publishCount: task.publication + 1, publishedAt: at.publishedAt };",
    replace: "const set = { nextAt: nextAt > 0 ? undefined : nextAt, publishCount: task.publication + 1, publishedAt: at.publishedAt };",
  },
  {
    ...{ name: "caller answered before the insert", file: accept },
    find: "const result = await inserts.add(insertion);",
    replace: 'const result = await Promise.race([inserts.add(insertion), Promise.resolve({ kind: "inserted" } as InsertResult)]);',
  },
  {
    ...{ name: "failed insert called accepted", file: accept },
    find: 'log.warn({ err: error }, "insert not confirmed; the call is answered UNAVAILABLE");',
    replace: 'return { kind: "accepted", record, repeatedKey: false };',
  },
  {
    ...{ name: "another payload under the same key accepted", file: accept },
    find: 'if (compared === "same")',
    replace: "if (compared)",
  },
  {
    ...{ name: "content written after its notification", file: accept },
    find: "if (contents.length > 0) await store.contents.put(contents);",
    replace: "if (contents.length > 0) void clock.sleep(50).then(() => store.contents.put(contents)).catch(() => undefined);",
  },
  {
    ...{ name: "use of a content not remembered", file: "test/simulation/memory-contents.ts" },
    find: "Math.max(before?.keepUntil ?? 0, stored.keepUntil)",
    replace: "before?.keepUntil ?? stored.keepUntil",
  },
  {
    ...{ name: "content not kept until its notification expires", file: "gateway/large-content.ts" },
    find: "contentKeepUntil(record.expiresAt, bounds)",
    replace: "contentKeepUntil(record.acceptedAt, bounds)",
  },
  {
    ...{ name: "repeated key answered anew", file: accept },
    find: "return answerRepeated(result.record, request);",
    replace: "return { ...answerRepeated(result.record, request), record } as AcceptResult;",
  },
  {
    ...{ name: "overload noticed after the insert", file: accept },
    find: 'if (result.kind === "inserted") {',
    replace: 'if (result.kind === "inserted") {\n        if (parts.load.isFull()) return rejected(overloaded());',
  },
  {
    ...{ name: "opt-out not asked for at dispatch", file: admission },
    find: 'if (answer === "opted-out") return { kind: "void", outcome: OPTED_OUT };',
    replace: "",
  },
  {
    // Three of 1,000 worlds: an opt-out must meet a stale answer and a slow claim.
    ...{ name: "opt-out not asked for again after a slow claim", file: dispatch, seeds: 1_000 },
    find: "const answer = clock.monotonic() - checkedAt > OPT_OUT_FRESH_MS ? await checkOptOut(task)",
    replace: "const answer = clock.monotonic() - checkedAt < 0 ? await checkOptOut(task)",
  },
  {
    ...{ name: "void attempt not claimed", file: writer },
    find: "if (await claims.add(voidAttempt(task, worker, outcome, now)))",
    replace: "",
  },
  {
    ...{ name: "recorded whoever claimed it", file: writer },
    find: "answers.add({ id, worker, outcome, answeredAt: now }));\n    failpoint",
    replace: "answers.add({ id, worker: undefined as unknown as string, outcome, answeredAt: now }));\n    failpoint",
  },
  { name: "claims of one process not told apart", file: dispatch, find: "++claimCount", replace: "claimCount" },
  {
    ...{ name: "task given back as done", file: admission },
    find: 'settlement: { kind: "nak", delayMs }, why }',
    replace: 'settlement: { kind: "ack" }, why }',
  },
  {
    ...{ name: "receipt acknowledged and not written", file: "feedback/apply.ts" },
    find: "const [changed] = await applyTransitions(store.notifications, recorder, [effect.transition]);",
    replace: "const changed = true;",
  },
  { name: "paused worker sends", file: dispatch, find: "if (clock.monotonic() - startedAt > CLAIM_TO_SEND_MS)", replace: "if (false)" },
  {
    ...{ name: "expiry not looked at after the claim", file: dispatch },
    find: "if (task.expiresAt <= clock.now()) return EXPIRED;",
    replace: "",
  },
  {
    ...{ name: "watchdog off", file: "core/delivery/watchdog.ts" },
    find: "Math.min(Math.max(WATCHDOG_LONGEST_MS, firstMs), firstMs * 2 ** Math.min(publishCount, 10))",
    replace: "publishCount * 0 + firstMs + 1e10",
  },
  {
    ...{ name: "no copy while anything waits", file: evaluate },
    find: "mayBeQueued(n, d, s.waitingSince)",
    replace: "Number.isFinite(s.waitingSince)",
  },
  {
    ...{ name: "outcome overwritten", file: "test/simulation/memory-attempts.ts" },
    find: "if (!attempt || attempt.outcome ||",
    replace: "if (!attempt ||",
  },
  {
    ...{ name: "claims that a later one takes over", file: "test/simulation/memory-attempts.ts" },
    find: "if (attempts.has(attempt.id)) return false;",
    replace: "",
  },
  {
    ...{ name: "unknown outcome repeated for every class", file: "core/delivery/decide.ts" },
    find: "transactional: false, marketing: false };\n\nexport type Decision",
    replace: "transactional: true, marketing: true };\n\nexport type Decision",
  },
  {
    ...{ name: "repetition of the unknown not remembered", file: transitions },
    find: "...(retry.policyResend ? { policyResend: true } : {}),",
    replace: "",
  },
  {
    ...{ name: "worker called lost at once", file: evaluate },
    find: "if (s.now >= lostAt) return",
    replace: "if (s.now >= attempt.startedAt) return",
  },
  {
    ...{ name: "unknown outcome given up at once", file: evaluate },
    find: "const until = since + s.uncertainWaitMs[notificationClass];",
    replace: "const until = since;",
  },
  {
    ...{ name: "absence believed", file: "dispatchers/status-query.ts" },
    find: 'const nothing = (finding: Exclude<Finding, { kind: "found" }>) => ({\n  outcome: undefined,',
    replace: 'const nothing = (finding: Exclude<Finding, { kind: "found" }>) => ({\n  outcome: { kind: "rejected", reason: "absent" },',
  },
  {
    ...{ name: "purged by when it was accepted", file: "test/simulation/memory-notifications.ts" },
    find: "const endOf = (record: NotificationRecord) => endedAt(record) ?? Number.POSITIVE_INFINITY;",
    replace: "const endOf = (record: NotificationRecord) => record.acceptedAt;",
  },
  {
    ...{ name: "purged at once", file: "core/delivery/lifetime.ts" },
    find: "PURGE_AGE_MS_MIN = EXPIRY_MAX_MS + 7 * DAY_MS",
    replace: "PURGE_AGE_MS_MIN = 0 * DAY_MS",
  },
  {
    ...{ name: "attempts purged and their notifications kept", file: "test/simulation/memory-notifications.ts" },
    find: "for (const id of ids) records.delete(id);",
    replace: "",
  },
  {
    ...{ name: "stale copy given a void attempt", file: admission },
    find: "if (task.expiresAt <= clock.now() - TASK_STALE_MS)",
    replace: "if (false)",
  },
  {
    ...{ name: "event counted of a change that was not applied", file: "core/delivery/apply-transitions.ts" },
    find: "(applied[i] ? events : [])",
    replace: "(applied.length > i ? events : [])",
  },
  {
    ...{ name: "ends changed again", file: "test/simulation/memory-notifications.ts" },
    find: "|| !expect.states.includes(delivery.state)",
    replace: "",
  },
];
