import type { Outcome } from "../../core/delivery/outcome.ts";
import { answerTable, gone, misconfigured, rejected, throttled, unanswered, unavailable, undocumented } from "../answer-table.ts";

/** What APNs answered, other than 200. */
export interface ApnsAnswer {
  status: number;
  /** "UnknownError" is what apns2 reports where the body is not JSON. */
  reason: string;
  /** ms since the epoch; comes with 410. */
  timestamp: number | undefined;
  /** Something else was accepted lately, so environment, topic and key are right. */
  hasRecentSuccess: boolean;
  /** The push was sent with another signing token than the current one, or that one is old enough to be replaced. */
  tokenReplaceable: boolean;
}

/** After TooManyProviderTokenUpdates: tokens may change once in 20 min (Apple: Establishing a token-based connection to APNs). */
const TOKEN_UPDATES_WAIT_MS = 20 * 60_000;

const wrongContent = ({ reason }: ApnsAnswer) => rejected(reason);
/** The fault of one of the account's apps: a key may be valid for some of them only. */
const wrongTopic = ({ reason }: ApnsAnswer) => misconfigured(reason, "sender");
const wrongSetup = ({ reason }: ApnsAnswer) => misconfigured(reason);
const unwell = ({ reason }: ApnsAnswer) => unavailable(reason);
const unregistered = ({ reason, timestamp }: ApnsAnswer) => gone(reason, timestamp);
/** A token of the other environment is answered in the same way: with a mistyped APNS_ORIGIN, removing endpoints would remove them all. */
const goneIfRecentSuccess = ({ reason, hasRecentSuccess }: ApnsAnswer) => (hasRecentSuccess ? gone(reason) : rejected(reason));

/**
 * Apple: Handling notification responses from APNs, "Reason string" table; status in front.
 * BadEnvironmentKeyInToken is how live servers were reported to spell BadEnvironmentKeyIdInToken.
 */
const ROWS = answerTable<ApnsAnswer>({
  "400 BadCollapseId": wrongContent,
  "400 BadDeviceToken": goneIfRecentSuccess,
  "400 BadExpirationDate": wrongContent,
  "400 BadMessageId": wrongContent,
  "400 BadPriority": wrongContent,
  "400 BadTopic": wrongTopic,
  "400 DeviceTokenNotForTopic": goneIfRecentSuccess,
  "400 DuplicateHeaders": wrongContent,
  "400 IdleTimeout": unwell,
  "400 InvalidPushType": wrongContent,
  "400 MissingDeviceToken": wrongContent,
  "400 MissingTopic": wrongTopic,
  "400 PayloadEmpty": wrongContent,
  "400 TopicDisallowed": wrongTopic,
  "403 BadCertificate": wrongSetup,
  "403 BadCertificateEnvironment": wrongSetup,
  "403 BadEnvironmentKeyIdInToken": wrongSetup,
  "403 BadEnvironmentKeyInToken": wrongSetup,
  // A fresh token that is rejected as expired means that our clock is wrong.
  "403 ExpiredProviderToken": (answer) => (answer.tokenReplaceable ? unwell(answer) : wrongSetup(answer)),
  "403 Forbidden": wrongSetup,
  "403 InvalidProviderToken": wrongSetup,
  "403 MissingProviderToken": wrongSetup,
  // Apple says to open another connection. Ours carry one key for as long as they live, so a new one would not help.
  "403 UnrelatedKeyIdInToken": wrongSetup,
  "404 BadPath": wrongContent,
  "405 MethodNotAllowed": wrongContent,
  "410 ExpiredToken": unregistered,
  "410 Unregistered": unregistered,
  "413 PayloadTooLarge": wrongContent,
  "429 TooManyProviderTokenUpdates": ({ reason }) => throttled(reason, TOKEN_UPDATES_WAIT_MS),
  // Per device; Apple names no time.
  "429 TooManyRequests": ({ reason }) => throttled(reason, undefined, "endpoint"),
  // It may have failed after it accepted the push.
  "500 InternalServerError": ({ reason }) => unanswered(reason),
  "503 ServiceUnavailable": unwell,
  "503 Shutdown": unwell,
});
export const APNS_CODES = ROWS.codes;

/** The default for what Apple does not list: a 4xx rejected the push; after anything else it is unknown whether it was sent. */
export function classifyApns(answer: ApnsAnswer): Outcome {
  const { status, reason } = answer;
  const code = `http-${status}`;
  const documented = ROWS.outcomeOf(`${status} ${reason}`, answer);
  if (documented !== undefined) return documented;
  if (status === 429) return throttled(code, undefined);
  return undocumented(status);
}
