import assert from "node:assert/strict";
import { test } from "node:test";
import type { NotificationClass } from "./channel.ts";
import {
  AMBIGUOUS_ENDPOINTS_MIN,
  afterCall,
  type Circuit,
  CLOSED,
  type Evidence,
  OPEN_FIRST_MS,
  OPEN_LONGEST_CRITICAL_MS,
  OPEN_LONGEST_MS,
  passageOf,
  probing,
  RUN_GAP_MS,
  SERVICE_FAILURES_MIN,
  SERVICE_SPAN_MS,
  SETUP_ENDPOINTS_MIN,
  waitMs,
} from "./circuit.ts";
import { reason } from "./reason.ts";

const why = reason("unavailable", "http-503");
const down = (endpoint: string, retryAfterMs?: number): Evidence => ({
  kind: "failure",
  fault: "service",
  endpoint,
  reason: why,
  retryAfterMs,
});
const wrongKey = (endpoint: string): Evidence => ({ kind: "failure", fault: "setup", endpoint, reason: reason("misconfigured", "key") });
const doubtful = (endpoint: string): Evidence => ({
  kind: "failure",
  fault: "ambiguous",
  endpoint,
  reason: reason("misconfigured", "403"),
});
const success: Evidence = { kind: "success" };
const answered: Evidence = { kind: "answered" };

/** After these calls, `apartMs` apart, none of them a probe. */
const after = (evidence: readonly Evidence[], apartMs = 1_000): Circuit =>
  evidence.reduce((circuit: Circuit, each, i) => afterCall(circuit, each, false, i * apartMs), CLOSED);
const many = (count: number, make: (endpoint: string) => Evidence): Evidence[] => Array.from({ length: count }, (_, i) => make(`e${i}`));
const isOpen = ({ open }: Circuit) => open !== undefined;

const RUNS: readonly [what: string, evidence: readonly Evidence[], open: boolean, apartMs?: number][] = [
  ["one bad endpoint", many(100, () => wrongKey("e")), false],
  ["one endpoint that is always unavailable", many(100, () => down("e")), false],
  ["two bad endpoints", many(SETUP_ENDPOINTS_MIN - 1, wrongKey), false],
  ["several endpoints that blame our key", many(SETUP_ENDPOINTS_MIN, wrongKey), true],
  ["the same at one moment", many(SETUP_ENDPOINTS_MIN, wrongKey), true, 0],
  ["several endpoints with a success between", [wrongKey("a"), wrongKey("b"), success, wrongKey("c"), wrongKey("d")], false],
  ["an answer about something else does not show that our key is right", [wrongKey("a"), wrongKey("b"), answered, wrongKey("c")], true],
  ["answers that may be about the endpoints alone", many(AMBIGUOUS_ENDPOINTS_MIN - 1, doubtful), false],
  ["many of those", many(AMBIGUOUS_ENDPOINTS_MIN, doubtful), true],
  ["a connection that broke under a thousand calls", many(1_000, down), false, 0],
  ["a provider that is down for a while", many(SERVICE_FAILURES_MIN, down), true, SERVICE_SPAN_MS],
  ["few failures over a long time", many(SERVICE_FAILURES_MIN - 1, down), false, SERVICE_SPAN_MS],
  ["failures between which the provider answered", many(20, (e) => (/[05]$/.test(e) ? answered : down(e))), false],
  ["failures that are too far apart to belong together", many(20, down), false, RUN_GAP_MS + 1],
];

for (const [what, evidence, open, apartMs] of RUNS)
  test(`${what}: the circuit ${open ? "opens" : "stays closed"}`, () => assert.equal(isOpen(after(evidence, apartMs)), open));

/** Open since 0. */
const opened = (retryAfterMs?: number): Circuit => {
  const circuit = many(SERVICE_FAILURES_MIN, (e) => down(e, retryAfterMs)).reduce(
    (before: Circuit, each, i) => afterCall(before, each, false, (i - SERVICE_FAILURES_MIN + 1) * SERVICE_SPAN_MS),
    CLOSED,
  );
  assert.ok(isOpen(circuit));
  return circuit;
};

test("an open circuit lets nothing pass; half-open, it lets one probe pass, and the more urgent class first", () => {
  const circuit = opened();
  const at = (ms: number, of = circuit) => (["critical", "transactional", "marketing"] as const).map((c) => passageOf(of, c, ms));
  assert.deepEqual(at(OPEN_FIRST_MS - 1), ["wait", "wait", "wait"]);
  assert.deepEqual(at(OPEN_FIRST_MS), ["probe", "wait", "wait"]);
  assert.deepEqual(at(OPEN_FIRST_MS + 1_500), ["probe", "probe", "wait"]);
  assert.deepEqual(at(OPEN_FIRST_MS + 2_000), ["probe", "probe", "probe"]);
  assert.deepEqual(at(OPEN_FIRST_MS + 2_000, probing(circuit, OPEN_FIRST_MS + 20_000)), ["wait", "wait", "wait"]);
  // The pod that probed may be gone.
  assert.deepEqual(at(OPEN_FIRST_MS + 20_000, probing(circuit, OPEN_FIRST_MS + 20_000)), ["probe", "probe", "probe"]);
});

test("a probe that succeeds closes the circuit, one that fails opens it for longer, one that says nothing leaves the next", () => {
  const now = OPEN_FIRST_MS;
  const circuit = probing(opened(), now + 20_000);
  assert.deepEqual(afterCall(circuit, success, true, now), CLOSED);
  assert.deepEqual(afterCall(circuit, answered, true, now), CLOSED);
  const probed = afterCall(circuit, down("e"), true, now).open;
  assert.deepEqual([probed?.until, probed?.since], [now + 2 * OPEN_FIRST_MS, circuit.open?.since]);
  const unused = afterCall(circuit, { kind: "neutral" }, true, now);
  assert.equal(passageOf(unused, "critical", now), "probe");
});

test("a circuit that opened for our key is not closed by an answer about something else", () => {
  const circuit = after(many(SETUP_ENDPOINTS_MIN, wrongKey), 0);
  const next = afterCall(probing(circuit, OPEN_FIRST_MS + 20_000), answered, true, OPEN_FIRST_MS);
  assert.equal(passageOf(next, "critical", OPEN_FIRST_MS), "probe");
  assert.deepEqual(afterCall(circuit, success, false, 1), CLOSED);
});

test("calls that began before it opened neither prolong it nor end a probe", () => {
  const circuit = opened();
  assert.equal(afterCall(circuit, down("e"), false, 4_000), circuit);
  const half = probing(circuit, OPEN_FIRST_MS + 20_000);
  assert.equal(afterCall(half, down("e"), false, OPEN_FIRST_MS + 1), half);
});

test("the open time doubles to minutes, for a critical probe to half a minute, and is as long as the provider asks within its bound", () => {
  let [circuit, now] = [opened(), 0];
  const times: [all: number, critical: number][] = [];
  for (let i = 0; i < 30; i++) {
    const { until, criticalUntil } = circuit.open!;
    times.push([until - now, criticalUntil - now]);
    now = until;
    circuit = afterCall(probing(circuit, now + 1), down("e"), true, now);
  }
  assert.deepEqual(
    times.slice(0, 4).map(([all]) => all),
    [1, 2, 4, 8].map((n) => n * OPEN_FIRST_MS),
  );
  assert.deepEqual(times.at(-1), [OPEN_LONGEST_MS, OPEN_LONGEST_CRITICAL_MS]);
  for (const [askedMs, openMs] of [
    [60_000, 60_000],
    [31_536_000_000, OPEN_LONGEST_MS],
    [Number.NaN, OPEN_FIRST_MS],
    [Number.POSITIVE_INFINITY, OPEN_FIRST_MS],
    [-5, OPEN_FIRST_MS],
  ] as const)
    assert.deepEqual([askedMs, opened(askedMs).open?.until, opened(askedMs).open?.criticalUntil], [askedMs, openMs, openMs]);
});

test("what waits returns spread out, the more urgent class first, and each at most once per open time but for the first ones", () => {
  const circuit = opened();
  const wait = (c: NotificationClass, random: number, returns = 0) => waitMs(circuit, c, returns, 0, random);
  for (const c of ["critical", "transactional", "marketing"] as const)
    for (const random of [0, 0.5, 0.999]) assert.ok(wait(c, random) > OPEN_FIRST_MS, `${c} ${random}`);
  assert.ok(wait("critical", 0.999) < wait("marketing", 0));
  assert.ok(wait("transactional", 0) < wait("marketing", 0));
  assert.notEqual(wait("critical", 0), wait("critical", 0.5));
  // Critical work that has waited for long no longer returns for every probe.
  let [long, now] = [circuit, 0];
  for (let i = 0; i < 20; i++) {
    now = long.open!.until;
    long = afterCall(probing(long, now), down("e"), true, now);
  }
  assert.ok(waitMs(long, "critical", 0, now, 0.999) <= OPEN_LONGEST_CRITICAL_MS + 2_001);
  assert.ok(waitMs(long, "critical", 20, now, 0.999) > OPEN_LONGEST_MS);
  assert.ok(waitMs(long, "marketing", 1e9, now, 0.999) <= 2 * OPEN_LONGEST_MS + 2_001);
  assert.equal(waitMs(CLOSED, "critical", 0, 0, 0.5), 0);
});
