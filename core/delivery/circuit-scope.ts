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

/**
 * The circuit of a provider account: for Web Push, where nobody has an account, of a push service; for Apple's development environment, which has
 * servers and keys of its own, apart from production.
 */
export function accountCircuit(endpoint: Endpoint): string {
  if (endpoint.channel === "webpush") return originOf(endpoint.pushUrl);
  return endpoint.channel === "apns" && endpoint.environment === "development" ? "development" : "account";
}

/** The part of the service that what is sent names as its sender: a number, a name, or the app on the device. Undefined where there is one. */
function senderCircuit(endpoint: Endpoint, sender: string | undefined): string | undefined {
  if (endpoint.channel === "sms") return sender === undefined ? "sender" : `sender ${sender}`;
  if (endpoint.channel !== "apns" || (endpoint.application === undefined && endpoint.kind === undefined)) return undefined;
  // Pushes of another kind have a topic of their own, which a key or certificate may not have.
  const topic = [endpoint.application, endpoint.kind].filter(Boolean).join(" ");
  return `topic ${topic} ${endpoint.environment ?? "production"}`;
}

/** The circuit of one app at an account, or at a push service: other apps do not depend on it. */
const appCircuit = (endpoint: Endpoint, app: string): string =>
  endpoint.channel === "webpush" ? `app ${app} ${hostOf(endpoint.pushUrl)}` : `app ${app}`;

/** Whether only one app depends on the circuit. */
export const isAppCircuit = (circuit: string): boolean => circuit.startsWith("app ");

/**
 * The circuits that an app's call to this endpoint depends on: its account's first, then those of the parts of the service that it uses, then its own.
 * @param sender which of the account's senders, where it has several: Route.sender
 */
export function circuitsOf(endpoint: Endpoint, app: string, sender?: string): readonly string[] {
  const own = senderCircuit(endpoint, sender);
  const country = endpoint.channel === "sms" ? [`country ${countryOf(endpoint.phoneNumber)}`] : [];
  return [accountCircuit(endpoint), ...(own === undefined ? [] : [own]), ...country, appCircuit(endpoint, app)];
}

const originOf = (pushUrl: string) => `origin ${hostOf(pushUrl)}`;
const hostOf = (pushUrl: string) => new URL(pushUrl).hostname;

/** The circuit that an answer counts for; undefined where it is about this endpoint alone, or about a part that cannot be told before the call. */
function circuitOf(scope: Scope, endpoint: Endpoint, sender: string | undefined): string | undefined {
  switch (scope) {
    case "account":
    case "origin":
      return accountCircuit(endpoint);
    case "sender":
      return senderCircuit(endpoint, sender) ?? accountCircuit(endpoint);
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

/** What the outcome of an app's call says, by circuit. @param sender as for circuitsOf */
export function evidenceOf(outcome: Outcome, endpoint: Endpoint, app: string, sender?: string): ReadonlyMap<string, Evidence> {
  const all = circuitsOf(endpoint, app, sender);
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
  const circuit = circuitOf(scope, endpoint, sender);
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
  others.set(account, { kind: "answered" });
  // Where many endpoints are rejected one by one, it may be the setup after all, or the app has a list of another installation's endpoints. Both keep
  // the app's own calls from being accepted, and the latter must not keep other apps waiting.
  const isAmbiguous = scope === "endpoint" && outcome.kind === "misconfigured";
  return isAmbiguous ? others.set(appCircuit(endpoint, app), { ...failure, fault: "ambiguous" }) : others;
}
