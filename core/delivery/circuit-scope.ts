import type { Evidence } from "./circuit.ts";
import { type Endpoint, endpointKey } from "./endpoint.ts";
import { isCall, type Outcome, type Scope } from "./outcome.ts";
import { outcomeReason, reason } from "./reason.ts";

/** Countries with a calling code of two digits (ITU-T E.164, list of assigned codes); 1 and 7 are shared, all others have three. */
const TWO_DIGITS = /^(20|27|3[0-469]|4[0-13-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])/;

/** The country of a number, or a part of it: the calling code, and after +1 and +7, which several countries share, three digits more. */
export function countryOf(phoneNumber: string): string {
  const digits = phoneNumber.replace(/^\+/, "");
  if (/^[17]/.test(digits)) return `+${digits.slice(0, 4)}`;
  return `+${digits.slice(0, TWO_DIGITS.test(digits) ? 2 : 3)}`;
}

/** The circuit of a provider account: for Web Push, where nobody has an account, of a push service. */
export const accountCircuit = (endpoint: Endpoint): string => (endpoint.channel === "webpush" ? originOf(endpoint.pushUrl) : "account");

/** The circuits that a call to this endpoint depends on: its account's first, then those of the parts of the service that it uses. */
export const circuitsOf = (endpoint: Endpoint): readonly string[] =>
  endpoint.channel === "sms"
    ? [accountCircuit(endpoint), "sender", `country ${countryOf(endpoint.phoneNumber)}`]
    : [accountCircuit(endpoint)];

function originOf(pushUrl: string): string {
  const { hostname } = new URL(pushUrl);
  return `origin ${hostname}`;
}

/** The circuit that an answer counts for; undefined where it is about this endpoint alone, or about a part that cannot be told before the call. */
function circuitOf(scope: Scope, endpoint: Endpoint): string | undefined {
  switch (scope) {
    case "account":
    case "origin":
      return accountCircuit(endpoint);
    case "sender":
      return endpoint.channel === "sms" ? "sender" : accountCircuit(endpoint);
    case "destination-country":
      return endpoint.channel === "sms" ? `country ${countryOf(endpoint.phoneNumber)}` : undefined;
    // Nothing in a registration token tells an iPhone's from an Android device's.
    case "target-platform":
    case "endpoint":
      return undefined;
  }
}

/** Codes of defects of ours: what they are about is one content, not the provider. */
const OUR_DEFECTS: ReadonlySet<string> = new Set(["adapter-fault"]);

/** What an outcome says, by circuit. */
export function evidenceOf(outcome: Outcome, endpoint: Endpoint): ReadonlyMap<string, Evidence> {
  const all = circuitsOf(endpoint);
  const account = all[0]!;
  const forAll = (evidence: Evidence) => new Map(all.map((circuit) => [circuit, evidence]));
  if (!isCall(outcome)) return forAll({ kind: "neutral" });
  switch (outcome.kind) {
    case "accepted":
      return forAll({ kind: "success" });
    case "rejected":
    case "endpoint-gone":
      return forAll({ kind: "answered" });
    case "unanswered":
      if (OUR_DEFECTS.has(outcome.fault.code)) return forAll({ kind: "neutral" });
  }
  const { scope = "account" } = outcome;
  const circuit = circuitOf(scope, endpoint);
  const why = outcomeReason(outcome) ?? reason("unavailable");
  const failure = { kind: "failure", endpoint: endpointKey(endpoint), reason: why } as const;
  const fault = outcome.kind === "misconfigured" ? "setup" : "service";
  const retryAfterMs = "retryAfterMs" in outcome ? outcome.retryAfterMs : undefined;
  const others = new Map(forAll({ kind: "neutral" }));
  if (circuit !== undefined) {
    // An answer about a part of the service shows that the account works so far.
    if (circuit !== account) others.set(account, { kind: "answered" });
    return others.set(circuit, { ...failure, fault, retryAfterMs });
  }
  // Where many endpoints are rejected one by one, it may be the setup after all.
  const isAmbiguous = scope === "endpoint" && outcome.kind === "misconfigured";
  return others.set(account, isAmbiguous ? { ...failure, fault: "ambiguous" } : { kind: "answered" });
}
