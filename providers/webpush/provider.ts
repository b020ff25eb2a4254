import { ECDH } from "node:crypto";
import webpush from "web-push";
import { WEBPUSH_PLAINTEXT_BYTES_MAX } from "../../core/content/limits.ts";
import { parsePushUrl } from "../../core/content/push-host.ts";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { ALWAYS, type Provider } from "../../core/ports/provider.ts";
import { createAddressFilter } from "../../runtime/outbound.ts";
import { createHttp1Calls, type Http1Answer, type Http1Call } from "../transport/http1-calls.ts";
import { createRecentSuccess } from "../transport/recent-success.ts";
import { parseRetryAfter } from "../transport/retry-after.ts";
import { classifyTransport } from "../transport/transport-fault.ts";
import { classifyWebPush } from "./classify.ts";
import type { WebPushConfig } from "./config.ts";
import { buildWebPushMessage } from "./payload.ts";
import { createVapid } from "./vapid.ts";

const REF_CHARS_MAX = 500;

/** Push services of browsers, RFC 8030. Throws where the VAPID keys cannot be used. */
export function createWebPushProvider(config: WebPushConfig, { clock }: { clock: Clock }): Provider {
  const vapid = createVapid({
    subject: config.WEBPUSH_VAPID_SUBJECT,
    publicKey: config.WEBPUSH_VAPID_PUBLIC_KEY,
    privateKey: config.WEBPUSH_VAPID_PRIVATE_KEY_FILE,
  });
  const calls = createHttp1Calls({
    ca: config.PROVIDER_CA_FILE,
    addressFilter: createAddressFilter(config.OUTBOUND_ALLOWED_ADDRESSES),
  });
  const recentSuccess = createRecentSuccess();

  return {
    name: "webpush",
    async send(delivery, signal, mayBegin = ALWAYS) {
      const { endpoint } = delivery;
      if (endpoint.channel !== "webpush") throw new TypeError(`${endpoint.channel} endpoint given to webpush`);
      // The gateway checks too; what was stored before the list changed comes past here alone.
      const pushUrl = parsePushUrl(endpoint.pushUrl, config.WEBPUSH_HOSTS)?.url;
      if (pushUrl === undefined) return { kind: "rejected", reason: "push-host-not-allowed" };
      const { push } = delivery.content;
      if (push === undefined) return { kind: "rejected", reason: "content-missing" };
      const app = config.WEBPUSH_APP_ORIGIN || undefined;
      const { plaintext, ttl, urgency, topic } = buildWebPushMessage(delivery, push, { origin: app, now: clock.now() });
      if (Buffer.byteLength(plaintext) > WEBPUSH_PLAINTEXT_BYTES_MAX) return { kind: "rejected", reason: "payload-too-large" };
      if (!areKeys(endpoint)) return { kind: "endpoint-gone", reason: "subscription-keys", goneAt: undefined };

      const subscription = { endpoint: pushUrl, keys: { p256dh: endpoint.p256dh, auth: endpoint.auth } };
      const { origin, pathname, search } = new URL(pushUrl);
      const options = { headers: { Authorization: vapid.current(origin) }, TTL: ttl, urgency, topic };
      // Encrypted and described by web-push, sent without it: its own request by node:https takes 200 us of CPU time more.
      let request: Pick<Http1Call, "headers" | "body">;
      try {
        request = webpush.generateRequestDetails(subscription, plaintext, options);
      } catch (error) {
        // Nothing was sent.
        return classifyTransport(error, { written: false });
      }
      const sent = await calls.exchange({ ...request, origin, path: pathname + search, method: "POST" }, signal, mayBegin);
      if (sent.kind === "none") return sent.outcome;
      if (sent.status < 200 || sent.status > 299) return answered(sent, origin);
      recentSuccess.accepted(origin);
      return { kind: "accepted", providerRef: refOf(sent.headers.location, delivery.attemptId) };
    },
    [Symbol.asyncDispose]: () => calls[Symbol.asyncDispose](),
  };

  function answered({ status, headers, bytes }: Http1Answer, origin: string): Outcome {
    if (status === 401 || status === 403) vapid.rejected(origin);
    return classifyWebPush({
      status,
      body: new TextDecoder().decode(bytes),
      retryAfterMs: parseRetryAfter(headers["retry-after"], clock.now()),
      hasRecentSuccess: recentSuccess.holds(origin),
    });
  }
}

/** The last part of the message resource's URL; all of it could be used to take the message back. Some services name none. */
function refOf(location: unknown, otherwise: string): string {
  const name = typeof location === "string" ? (location.split("/").at(-1) ?? "") : "";
  return name.length > 0 && name.length <= REF_CHARS_MAX ? name : otherwise;
}

/** Bytes of an uncompressed P-256 point and of the authentication secret (RFC 8291 sections 3.1 and 3.2). */
const P256DH_BYTES = 65;
const AUTH_BYTES = 16;

/** Whether anything can be encrypted to it. */
function areKeys({ p256dh, auth }: { p256dh: string; auth: string }): boolean {
  try {
    const point = Buffer.from(p256dh, "base64url");
    ECDH.convertKey(point, "prime256v1"); // throws where it is no point on the curve
    return point.length === P256DH_BYTES && Buffer.from(auth, "base64url").length === AUTH_BYTES;
  } catch {
    return false;
  }
}
