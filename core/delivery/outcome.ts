import type { LearnedKind } from "../preferences/learned.ts";

/** Where and how an exchange with a provider broke. */
export interface Fault {
  /** One word, ours: dns, refused, tls, connect-timeout, reset, deadline, http-503, … */
  code: string;
  /** Never holds an endpoint, content or a credential. */
  detail?: string | undefined;
}

/**
 * What an answer is about, beyond the one message: the account unless it says otherwise. `origin`: this push service; `sender`: the number or
 * address it is sent from; `destination-country`; `target-platform`: the device's system; `endpoint`: perhaps only this one. It decides what else
 * has to wait.
 */
export type Scope = "account" | "origin" | "sender" | "destination-country" | "target-platform" | "endpoint";

/** Everything a provider can answer. `decide()` is the one policy over it. */
export type Outcome =
  | { kind: "accepted"; providerRef: string; warning?: string | undefined }
  | { kind: "throttled"; retryAfterMs: number | undefined; reason: string; scope?: Scope } // the provider works, we are too fast; not processed
  | { kind: "unavailable"; fault: Fault; retryAfterMs?: number | undefined; scope?: Scope; notCalled?: true } // the provider fails, and it is known that nothing was sent
  | { kind: "unanswered"; fault: Fault; scope?: Scope } // written, no usable reply: it may have arrived
  | { kind: "endpoint-gone"; reason: string; goneAt: number | undefined; notCalled?: true } // never use this endpoint again; ms since the epoch
  | { kind: "rejected"; reason: string; notCalled?: true; learned?: LearnedKind } // this content will never pass; with `learned`, nothing to this recipient will
  | { kind: "misconfigured"; reason: string; scope?: Scope }; // our keys or setup: alert an operator, keep the work

export type OutcomeKind = Outcome["kind"];

/** Something of ours kept the call from being made with what is configured now. It is retried, but says nothing about the provider. */
export const notCalled = (code: string): Outcome => ({ kind: "unavailable", fault: { code }, notCalled: true });
/** Nothing of ours can send it as it is, now or later: it ends, and says nothing about the provider. */
export const unsendable = (reason: string): Outcome => ({ kind: "rejected", reason, notCalled: true });
export const isCall = (outcome: Outcome): boolean => !("notCalled" in outcome && outcome.notCalled);

/** The provider's own code for an outcome, or the fault's: one line for a log, without foreign text. */
export function reasonOf(outcome: Outcome): string | undefined {
  switch (outcome.kind) {
    case "accepted":
      return outcome.warning;
    case "unavailable":
    case "unanswered":
      return outcome.fault.code;
    default:
      return outcome.reason;
  }
}
