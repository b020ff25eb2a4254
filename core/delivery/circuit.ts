import type { NotificationClass } from "./channel.ts";
import type { Reason } from "./reason.ts";

/** Different endpoints whose answers blame our setup, without a success between, that open a circuit. One bad endpoint never does. */
export const SETUP_ENDPOINTS_MIN = 3;
/** The same for answers that may be about the endpoint alone: an app can have several of those at once. They count for that app only. */
export const AMBIGUOUS_ENDPOINTS_MIN = 20;
/** Calls that the provider failed, without a success between, that open a circuit: to so many endpoints, over so many ms. A connection that breaks under many calls is one event. */
export const SERVICE_FAILURES_MIN = 5;
export const SERVICE_ENDPOINTS_MIN = 3;
export const SERVICE_SPAN_MS = 2_000;
/** Failures further apart than this do not belong together, in ms. */
export const RUN_GAP_MS = 300_000;
/** How long a circuit is open at first, and at most, in ms. It doubles with each failed probe. */
export const OPEN_FIRST_MS = 5_000;
export const OPEN_LONGEST_MS = 300_000;
/** The same for a critical probe: one call in half a minute costs a failing provider nothing, and a one-time password lives for minutes. */
export const OPEN_LONGEST_CRITICAL_MS = 30_000;
/** How long after the open time only more urgent classes may probe, in ms. */
const HEAD_START_MS: Readonly<Record<NotificationClass, number>> = { critical: 0, transactional: 1_000, marketing: 2_000 };
/** The spread of the returns of critical work, in ms, at first; it doubles with each return. */
const RETURN_FIRST_MS = 2_000;

/** What an ended call says about the provider, an account of it, or a part of its service. */
export type Evidence =
  | { kind: "success" }
  /** It answered, so it is up; the answer says nothing about our setup. */
  | { kind: "answered" }
  /** Nothing: no call was made, or its answer is about something else. */
  | { kind: "neutral" }
  | { kind: "failure"; fault: Fault; endpoint: string; reason: Reason; retryAfterMs?: number | undefined };

/** `service`: it is down, or overloaded; `setup`: it rejects our keys or settings; `ambiguous`: it rejects those, or this endpoint. */
type Fault = "service" | "setup" | "ambiguous";

/** Failures without a success between. Times by any one clock, in ms. */
interface Run {
  service: number;
  since: number;
  last: number;
  /** Endpoints by what they blame; each no longer than its threshold. */
  endpoints: Readonly<Record<Fault, readonly string[]>>;
}

export interface Circuit {
  run?: Run | undefined;
  open?: Opening | undefined;
  /** A probe is under way, until then at the latest. */
  probeUntil?: number | undefined;
}

/** Open until its time has passed, then half-open until a probe shows more. */
export interface Opening {
  /** When it opened; failed probes do not move it. */
  since: number;
  until: number;
  /** For critical work; never later. */
  criticalUntil: number;
  /** Failed probes, and the opening itself. */
  times: number;
  fault: Fault;
  reason: Reason;
}

export const CLOSED: Circuit = {};

/** What a circuit says to a task: call; call as the one probe; or wait. */
export type Passage = "call" | "probe" | "wait";

export function passageOf({ open, probeUntil = 0 }: Circuit, notificationClass: NotificationClass, now: number): Passage {
  if (!open) return "call";
  return now >= opensFor(open, notificationClass) && now >= probeUntil ? "probe" : "wait";
}

const opensFor = ({ until, criticalUntil }: Opening, notificationClass: NotificationClass) =>
  (notificationClass === "critical" ? criticalUntil : until) + HEAD_START_MS[notificationClass];

/** Others wait while the probe is under way. */
export const probing = (circuit: Circuit, until: number): Circuit => ({ ...circuit, probeUntil: until });

/** The circuit after a call. @param isProbe whether the call was this circuit's probe */
export function afterCall(circuit: Circuit, evidence: Evidence, isProbe: boolean, now: number): Circuit {
  const { open } = circuit;
  switch (evidence.kind) {
    case "success":
      return CLOSED;
    case "answered":
      // A provider that answers is up, but not yet shown to accept our setup.
      if (open ? open.fault === "service" : true) return closedToService(circuit);
      return isProbe ? { open } : circuit;
    case "neutral":
      return isProbe && open ? { open } : circuit;
    case "failure":
      if (!open) return afterFailure(circuit, evidence, now);
      // Calls that began before the circuit opened say nothing new.
      return isProbe ? { open: opening(evidence, open.times + 1, now, open.since) } : circuit;
  }
}

type Failure = Extract<Evidence, { kind: "failure" }>;

function closedToService({ run }: Circuit): Circuit {
  if (!run || (run.endpoints.setup.length === 0 && run.endpoints.ambiguous.length === 0)) return CLOSED;
  return { run: { ...run, service: 0, endpoints: { ...run.endpoints, service: [] } } };
}

const NO_RUN: Run = { service: 0, since: 0, last: Number.NEGATIVE_INFINITY, endpoints: { service: [], setup: [], ambiguous: [] } };
const ENDPOINTS_MAX: Readonly<Record<Fault, number>> = {
  service: SERVICE_ENDPOINTS_MIN,
  setup: SETUP_ENDPOINTS_MIN,
  ambiguous: AMBIGUOUS_ENDPOINTS_MIN,
};

function afterFailure(circuit: Circuit, failure: Failure, now: number): Circuit {
  const { fault, endpoint } = failure;
  const before = circuit.run && now - circuit.run.last <= RUN_GAP_MS ? circuit.run : NO_RUN;
  const known = before.endpoints[fault];
  const isNew = known.length < ENDPOINTS_MAX[fault] && !known.includes(endpoint);
  const run: Run = {
    service: before.service + (fault === "service" ? 1 : 0),
    since: fault === "service" && before.service > 0 ? before.since : now,
    last: now,
    endpoints: isNew ? { ...before.endpoints, [fault]: [...known, endpoint] } : before.endpoints,
  };
  return opens(run, fault) ? { open: opening(failure, 1, now) } : { run };
}

function opens(run: Run, fault: Fault): boolean {
  if (run.endpoints[fault].length < ENDPOINTS_MAX[fault]) return false;
  return fault !== "service" || (run.service >= SERVICE_FAILURES_MIN && run.last - run.since >= SERVICE_SPAN_MS);
}

function opening({ fault, reason, retryAfterMs = 0 }: Failure, times: number, now: number, since = now): Opening {
  const askedMs = Number.isFinite(retryAfterMs) ? Math.min(Math.max(retryAfterMs, 0), OPEN_LONGEST_MS) : 0;
  const growing = Math.min(OPEN_LONGEST_MS, OPEN_FIRST_MS * 2 ** Math.min(times - 1, 20));
  const [until, criticalUntil] = [growing, Math.min(growing, OPEN_LONGEST_CRITICAL_MS)].map((ms) => now + Math.max(ms, askedMs)) as [
    number,
    number,
  ];
  return { since, until, criticalUntil, times, fault, reason };
}

/**
 * How long a task waits outside the queue, in ms: until it may probe, and a part of the open time longer, so that what waits does not return at
 * once; the more urgent class first.
 * @param returns how often it has waited for this attempt
 * @param random in [0, 1)
 */
export function waitMs(circuit: Circuit, notificationClass: NotificationClass, returns: number, now: number, random: number): number {
  const { open, probeUntil = 0 } = circuit;
  if (!open) return 0;
  const openMs = Math.min(OPEN_LONGEST_MS, OPEN_FIRST_MS * 2 ** Math.min(open.times - 1, 20));
  const spread =
    notificationClass === "critical"
      ? Math.min(openMs, RETURN_FIRST_MS * 2 ** Math.min(returns, 20)) * random
      : openMs * (notificationClass === "transactional" ? random / 2 : (1 + random) / 2);
  // After a probe that is under way most circuits close: what waits for its answer returns soon after it.
  const at = Math.max(opensFor(open, notificationClass), Math.min(probeUntil, now + RETURN_FIRST_MS));
  return Math.round(Math.max(0, at - now) + spread) + 1;
}
