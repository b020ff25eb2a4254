import { ApnsError } from "apns2";
import { APNS_PAYLOAD_BYTES_MAX } from "../../core/content/limits.ts";
import { pushPayloadBytes } from "../../core/content/push.ts";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { ALWAYS, type Provider } from "../../core/ports/provider.ts";
import { uuidOf } from "../../runtime/hash.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { createRecentSuccess } from "../transport/recent-success.ts";
import { classifyTransport } from "../transport/transport-fault.ts";
import { classifyApns } from "./classify.ts";
import { type ApnsConfig, apnsVariables } from "./config.ts";
import { type ApnsCall, createApnsConnection } from "./connection.ts";
import { buildApnsNotification } from "./payload.ts";
import { createSigningToken } from "./signing-token.ts";

/** Apple Push Notification service. Throws where the key cannot be read. */
export function createApnsProvider(config: ApnsConfig, { clock }: { clock: Clock }): Provider {
  const token = createSigningToken({ key: config.APNS_KEY_FILE, keyId: config.APNS_KEY_ID, teamId: config.APNS_TEAM_ID }, clock);
  const connection = createApnsConnection({
    origin: config.APNS_ORIGIN,
    ca: config.PROVIDER_CA_FILE,
    addressFilter: addressFilterFor(config.APNS_ORIGIN, apnsVariables.APNS_ORIGIN, config.OUTBOUND_ALLOWED_ADDRESSES),
    deadlineMs: config.PROVIDER_DEADLINE_MS,
    topic: config.APNS_TOPIC,
    token,
  });
  const recentSuccess = createRecentSuccess();

  return {
    name: "apns",
    async send(delivery, signal, mayBegin = ALWAYS) {
      if (delivery.endpoint.channel !== "apns") throw new TypeError(`${delivery.endpoint.channel} endpoint given to apns`);
      const { push } = delivery.content;
      if (push === undefined) return { kind: "rejected", reason: "content-missing" };
      const ids = { delivery: delivery.deliveryId, attempt: delivery.attemptId };
      if (pushPayloadBytes("apns", push, ids) > APNS_PAYLOAD_BYTES_MAX) return { kind: "rejected", reason: "payload-too-large" };

      const call: ApnsCall = { apnsId: uuidOf(delivery.attemptId), signal, mayBegin, written: false };
      try {
        await connection.send(buildApnsNotification(delivery, delivery.endpoint.token, push), call);
        recentSuccess.accepted("apns");
        return { kind: "accepted", providerRef: call.apnsId };
      } catch (error) {
        return error instanceof ApnsError ? answered(error) : classifyTransport(error, call);
      }
    },
    [Symbol.asyncDispose]: () => connection.destroy(),
  };

  function answered({ statusCode: status, reason, timestamp }: ApnsError): Outcome {
    const tokenRenewable = token.renewable();
    if (reason === "ExpiredProviderToken") token.rejected();
    return classifyApns({
      status,
      reason,
      timestamp: status === 410 ? timestamp : undefined,
      hasRecentSuccess: recentSuccess.holds("apns"),
      tokenRenewable,
    });
  }
}
