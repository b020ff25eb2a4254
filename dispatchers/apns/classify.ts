import type { Outcome } from "../../core/outcome.ts";

/** What APNs answered, other than 200. */
export interface ApnsAnswer {
  status: number;
  /** "UnknownError" is apns2's word for a body that was no JSON. */
  reason: string;
  /** ms since the epoch; comes with 410. */
  timestamp: number | undefined;
  /** Something else was accepted lately, so environment, topic and key are right. */
  proven: boolean;
  /** The signing token is old enough that another may be made. */
  tokenRenewable: boolean;
}

/** After TooManyProviderTokenUpdates: tokens may change once in 20 min (Apple: Establishing a token-based connection to APNs). */
const TOKEN_UPDATES_WAIT_MS = 20 * 60_000;

type Row = (answer: ApnsAnswer) => Outcome;
const rejected: Row = ({ reason }) => ({ kind: "rejected", reason });
const misconfigured: Row = ({ reason }) => ({ kind: "misconfigured", reason });
const unavailable: Row = ({ reason }) => ({ kind: "unavailable", fault: { code: reason } });
const gone: Row = ({ reason, timestamp }) => ({ kind: "endpoint-gone", reason, goneAt: timestamp });
/** A token of the other environment looks exactly so; forgetting endpoints over a mistyped APNS_ORIGIN would forget them all. */
const goneIfProven: Row = (answer) => (answer.proven ? gone({ ...answer, timestamp: undefined }) : rejected(answer));

/**
 * Apple: Handling notification responses from APNs, "Reason string" table; status in front.
 * BadEnvironmentKeyInToken is how live servers were reported to spell BadEnvironmentKeyIdInToken.
 */
const ROWS: Readonly<Record<string, Row>> = {
  "400 BadCollapseId": rejected,
  "400 BadDeviceToken": goneIfProven,
  "400 BadExpirationDate": rejected,
  "400 BadMessageId": rejected,
  "400 BadPriority": rejected,
  "400 BadTopic": misconfigured,
  "400 DeviceTokenNotForTopic": goneIfProven,
  "400 DuplicateHeaders": rejected,
  "400 IdleTimeout": unavailable,
  "400 InvalidPushType": rejected,
  "400 MissingDeviceToken": rejected,
  "400 MissingTopic": misconfigured,
  "400 PayloadEmpty": rejected,
  "400 TopicDisallowed": misconfigured,
  "403 BadCertificate": misconfigured,
  "403 BadCertificateEnvironment": misconfigured,
  "403 BadEnvironmentKeyIdInToken": misconfigured,
  "403 BadEnvironmentKeyInToken": misconfigured,
  // Refused while fresh it is not age but our clock.
  "403 ExpiredProviderToken": (answer) => (answer.tokenRenewable ? unavailable(answer) : misconfigured(answer)),
  "403 Forbidden": misconfigured,
  "403 InvalidProviderToken": misconfigured,
  "403 MissingProviderToken": misconfigured,
  // Our connections never carry a second key, so it is the key that is wrong.
  "403 UnrelatedKeyIdInToken": misconfigured,
  "404 BadPath": rejected,
  "405 MethodNotAllowed": rejected,
  "410 ExpiredToken": gone,
  "410 Unregistered": gone,
  "413 PayloadTooLarge": rejected,
  "429 TooManyProviderTokenUpdates": ({ reason }) => ({ kind: "throttled", retryAfterMs: TOKEN_UPDATES_WAIT_MS, reason }),
  // Per device; Apple names no time.
  "429 TooManyRequests": ({ reason }) => ({ kind: "throttled", retryAfterMs: undefined, reason }),
  "500 InternalServerError": unavailable,
  "503 ServiceUnavailable": unavailable,
  "503 Shutdown": unavailable,
};

/** The default for what Apple does not list: a 4xx refused the push; after anything else nobody knows. */
export function classifyApns(answer: ApnsAnswer): Outcome {
  const row = ROWS[`${answer.status} ${answer.reason}`];
  if (row !== undefined) return row(answer);
  const code = `http-${answer.status}`;
  if (answer.status === 429) return { kind: "throttled", retryAfterMs: undefined, reason: code };
  if (answer.status >= 400 && answer.status < 500) return { kind: "rejected", reason: code };
  return { kind: "unanswered", fault: { code } };
}

export const APNS_ANSWERS = Object.keys(ROWS);
