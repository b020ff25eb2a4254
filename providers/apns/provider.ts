import type { Errors } from "apns2";
import { apnsBytesMax, hasRootKey } from "../../core/content/apns-payload.ts";
import { apnsKindOf } from "../../core/content/push-content.ts";
import { type Outcome, unsendable } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { ALWAYS, type Provider } from "../../core/ports/provider.ts";
import { parseJson } from "../../runtime/parse-json.ts";
import { fieldOf, textFieldsOf } from "../transport/foreign.ts";
import type { Http2Answer } from "../transport/http2-calls.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { createRecentSuccess } from "../transport/recent-success.ts";
import { classifyTransport } from "../transport/transport-fault.ts";
import { classifyApns } from "./classify.ts";
import { type ApnsConfig, apnsVariables } from "./config.ts";
import { createApnsConnection } from "./connection.ts";
import { createApnsCredentials } from "./credentials.ts";
import { buildApnsPush, isTopicOf, topicOf } from "./payload.ts";
import type { SignedToken } from "./signing-token.ts";

/** Apple Push Notification service. Throws where its credentials cannot be used. */
export function createApnsProvider(config: ApnsConfig, { clock }: { clock: Clock }): Provider {
  const { token, certificate } = createApnsCredentials(config, clock);
  const connectionTo = (variable: "APNS_ORIGIN" | "APNS_DEVELOPMENT_ORIGIN") =>
    createApnsConnection({
      origin: config[variable],
      ca: config.PROVIDER_CA_FILE,
      addressFilter: addressFilterFor(config[variable], apnsVariables[variable], config.OUTBOUND_ALLOWED_ADDRESSES),
      deadlineMs: config.PROVIDER_DEADLINE_MS,
      certificate,
    });
  // Made when the first push needs it: most accounts have tokens of one environment.
  const connections = { production: connectionTo("APNS_ORIGIN"), development: connectionTo("APNS_DEVELOPMENT_ORIGIN") };
  const recentSuccess = createRecentSuccess();

  return {
    name: "apns",
    async send(delivery, signal, mayBegin = ALWAYS) {
      const { endpoint } = delivery;
      if (endpoint.channel !== "apns") throw new TypeError(`${endpoint.channel} endpoint given to apns`);
      const { push } = delivery.content;
      if (push === undefined) return unsendable("content-missing");
      const { environment = "production", application = config.APNS_TOPIC[0] ?? "" } = endpoint;
      if (!config.APNS_TOPIC.includes(application)) return UNKNOWN_APPLICATION;
      // No gateway of this version accepts it.
      if (apnsKindOf(push) !== endpoint.kind) return WRONG_KIND;
      const isDataAtRoot = config.APNS_DATA_AT_ROOT;
      if (isDataAtRoot && hasRootKey(push)) return unsendable("data-key-taken");
      const topic = topicOf(application, endpoint.kind);
      const built = buildApnsPush(delivery, endpoint.token, push, { now: clock.now(), isDataAtRoot });
      if (!isTopicOf(topic, built.headers["apns-topic"])) return unsendable("topic-not-allowed");
      if (Buffer.byteLength(built.body) > apnsBytesMax(push)) return unsendable("payload-too-large");

      const call = { signal, mayBegin, written: false };
      try {
        const used = token?.current();
        const reply = await connections[environment].send(built, { topic, jwt: await used?.jwt }, call);
        if (reply.status !== 200)
          return blamingOverride(answered(reply, used, `${delivery.app} ${environment} ${topic}`), push.overrides?.apnsHeaders);
      } catch (error) {
        return classifyTransport(error, call);
      }
      recentSuccess.accepted(`${delivery.app} ${environment} ${topic}`);
      return { kind: "accepted", providerRef: built.headers["apns-id"] };
    },
    async [Symbol.asyncDispose]() {
      for (const connection of Object.values(connections)) connection[Symbol.dispose]();
    },
  };

  /** @param used the token that the push was sent with @param setup environment and topic, which are right or wrong together */
  function answered({ status, body }: Http2Answer, used: SignedToken | undefined, setup: string): Outcome {
    const answer = parseJson(body);
    const reason = textFieldsOf(answer)("reason") || UNKNOWN;
    const timestamp = fieldOf(answer, "timestamp");
    if (used !== undefined && reason === "ExpiredProviderToken") token?.rejected(used);
    return classifyApns({
      status,
      reason,
      timestamp: status === 410 && typeof timestamp === "number" ? timestamp : undefined,
      hasRecentSuccess: recentSuccess.holds(setup),
      tokenReplaceable: used !== undefined && token?.isReplaceable(used) === true,
    });
  }
}

/** No other account could send it either. Nothing was called, so it says nothing about the account. */
const UNKNOWN_APPLICATION = unsendable("unknown-application");

/** Its token takes pushes of another kind only. */
const WRONG_KIND = unsendable("endpoint-kind");

/** apns2's name for the reason of an answer that is not JSON. */
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
  "ExpiredToken",
  "Unregistered",
]);
