import type { Random } from "../ports/clock.ts";
import { type DisabledWhy, isActive, type WebhookEndpoint } from "./endpoint.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** Between two calls for one event, in ms, as Standard Webhooks suggests: ten calls in three days. */
export const RETRY_DELAYS_MS: readonly number[] = [
  5_000,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR_MS),
];
/** A delay is up to so much longer, so that what failed together is not repeated together. */
const JITTER = 0.1;
/** The longest that an endpoint may ask to wait, in ms: with a longer one a receiver could have its events kept for ever. */
const RETRY_AFTER_MS_MAX = HOUR_MS;
/** How long an endpoint that is overloaded is not called where it does not say, in ms. */
const OVERLOADED_MS = 30_000;

/** After so long without a successful call an endpoint is disabled, in ms; the day before, the log says so. */
export const FAILING_MS_MAX = 5 * 24 * HOUR_MS;
const WARNING_MS = FAILING_MS_MAX - 24 * HOUR_MS;

/** What a call came to. */
export type CallResult = { kind: "answer"; status: number; retryAfterMs?: number | undefined } | { kind: "none"; fault: string };

/** Of statuses that say that the endpoint, or what stands before it, is overloaded. */
const OVERLOADED = [429, 502, 503, 504];
const GONE = 410;

export const isSuccess = (result: CallResult): boolean => result.kind === "answer" && result.status >= 200 && result.status < 300;
export const isGone = (result: CallResult): boolean => result.kind === "answer" && result.status === GONE;
export const isOverloaded = (result: CallResult): boolean => result.kind === "answer" && OVERLOADED.includes(result.status);

/** For logs. A redirect is a failure, and is never followed: it could lead anywhere. */
export const faultOf = (result: CallResult): string => (result.kind === "answer" ? `status ${result.status}` : result.fault);

/** For how many ms the endpoint is to be left alone, all its events: 0 unless it is overloaded. */
export function pauseMs(result: CallResult): number {
  if (!isOverloaded(result) || result.kind !== "answer") return 0;
  return Math.min(result.retryAfterMs ?? OVERLOADED_MS, RETRY_AFTER_MS_MAX);
}

/** In how many ms an event is sent again after its `tries`-th call; undefined: there is none any more. */
export function retryDelayMs(tries: number, result: CallResult, random: Random): number | undefined {
  const delay = RETRY_DELAYS_MS[tries - 1];
  return delay === undefined ? undefined : Math.max(delay * (1 + JITTER * random()), pauseMs(result));
}

/** What becomes of an endpoint after a call, and what the log is to say of it. */
interface EndpointAfter {
  endpoint: WebhookEndpoint;
  news?: "began to fail" | "will be disabled" | "disabled" | "works again" | undefined;
}

/** Pure. The same endpoint where nothing changes. @param isWarned whether "will be disabled" was said */
export function afterCall(endpoint: WebhookEndpoint, result: CallResult, now: number, isWarned = false): EndpointAfter {
  if (!isActive(endpoint)) return { endpoint };
  const { failingSince, ...working } = endpoint;
  const disabled = (why: DisabledWhy): EndpointAfter => ({ endpoint: { ...endpoint, disabled: { at: now, why } }, news: "disabled" });
  if (isSuccess(result)) return failingSince === undefined ? { endpoint } : { endpoint: working, news: "works again" };
  if (isGone(result)) return disabled("gone");
  if (failingSince === undefined) return { endpoint: { ...endpoint, failingSince: now }, news: "began to fail" };
  if (now - failingSince >= FAILING_MS_MAX) return disabled("failing");
  return now - failingSince >= WARNING_MS && !isWarned ? { endpoint, news: "will be disabled" } : { endpoint };
}
