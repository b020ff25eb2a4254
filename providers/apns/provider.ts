import type { Errors } from "apns2";
import { APNS_PAYLOAD_BYTES_MAX } from "../../core/content/limits.ts";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { ALWAYS, type Provider } from "../../core/ports/provider.ts";
import { parseJson } from "../../runtime/http/parse.ts";
import { fieldOf, textFieldsOf } from "../transport/foreign.ts";
import type { Http2Answer } from "../transport/http2-calls.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { createRecentSuccess } from "../transport/recent-success.ts";
import { classifyTransport } from "../transport/transport-fault.ts";
import { classifyApns } from "./classify.ts";
import { type ApnsConfig, apnsVariables } from "./config.ts";
import { createApnsConnection } from "./connection.ts";
import { buildApnsPush, isTopicOf } from "./payload.ts";
import { createSigningToken, type SignedToken } from "./signing-token.ts";

/** Apple Push Notification service. Throws where the key cannot be read. */
export function createApnsProvider(config: ApnsConfig, { clock }: { clock: Clock }): Provider {
  const token = createSigningToken({ key: config.APNS_KEY_FILE, keyId: config.APNS_KEY_ID, teamId: config.APNS_TEAM_ID }, clock);
  const connection = createApnsConnection({
    origin: config.APNS_ORIGIN,
    ca: config.PROVIDER_CA_FILE,
    addressFilter: addressFilterFor(config.APNS_ORIGIN, apnsVariables.APNS_ORIGIN, config.OUTBOUND_ALLOWED_ADDRESSES),
    deadlineMs: config.PROVIDER_DEADLINE_MS,
    topic: config.APNS_TOPIC,
  });
  const recentSuccess = createRecentSuccess();

  return {
    name: "apns",
    async send(delivery, signal, mayBegin = ALWAYS) {
      if (delivery.endpoint.channel !== "apns") throw new TypeError(`${delivery.endpoint.channel} endpoint given to apns`);
      const { push } = delivery.content;
      if (push === undefined) return { kind: "rejected", reason: "content-missing" };
      const built = buildApnsPush(delivery, delivery.endpoint.token, push, clock.now());
      if (!isTopicOf(config.APNS_TOPIC, built.headers["apns-topic"])) return { kind: "rejected", reason: "topic-not-allowed" };
      if (Buffer.byteLength(built.body) > APNS_PAYLOAD_BYTES_MAX) return { kind: "rejected", reason: "payload-too-large" };

      const call = { signal, mayBegin, written: false };
      try {
        const used = token.current();
        const reply = await connection.send(built, await used.jwt, call);
        if (reply.status !== 200) return blamingOverride(answered(reply, used), push.overrides?.apnsHeaders);
      } catch (error) {
        return classifyTransport(error, call);
      }
      recentSuccess.accepted("apns");
      return { kind: "accepted", providerRef: built.headers["apns-id"] };
    },
    [Symbol.asyncDispose]: async () => connection[Symbol.dispose](),
  };

  /** @param used the token that the push was sent with */
  function answered({ status, body }: Http2Answer, used: SignedToken): Outcome {
    const answer = parseJson(body);
    const reason = textFieldsOf(answer)("reason") || UNKNOWN;
    const timestamp = fieldOf(answer, "timestamp");
    if (reason === "ExpiredProviderToken") token.rejected(used);
    return classifyApns({
      status,
      reason,
      timestamp: status === 410 && typeof timestamp === "number" ? timestamp : undefined,
      hasRecentSuccess: recentSuccess.holds("apns"),
      tokenReplaceable: token.isReplaceable(used),
    });
  }
}

/** As apns2 names the reason of an answer that is not JSON. */
const UNKNOWN: (typeof Errors)["unknownError"] = "UnknownError";

/**
 * Where an override named the topic or the kind of push, an answer about topic, kind or token is about that: it may neither stop the account nor cost
 * a device its registration.
 */
function blamingOverride(outcome: Outcome, headers: Readonly<Record<string, string>> = {}): Outcome {
  if (headers["apns-topic"] === undefined && headers["apns-push-type"] === undefined) return outcome;
  const isAbout = (outcome.kind === "misconfigured" || outcome.kind === "endpoint-gone") && ABOUT_TOPIC.has(outcome.reason);
  return isAbout ? { kind: "rejected", reason: outcome.reason } : outcome;
}

const ABOUT_TOPIC: ReadonlySet<string> = new Set([
  "BadTopic",
  "MissingTopic",
  "TopicDisallowed",
  "DeviceTokenNotForTopic",
  "BadDeviceToken",
]);
