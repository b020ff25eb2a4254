import { randomUUID } from "node:crypto";
import { deleteApp, initializeApp } from "firebase-admin/app";
import { getMessaging, type Messaging } from "firebase-admin/messaging";
import { FCM_PAYLOAD_BYTES_MAX } from "../../core/content/limits.ts";
import { pushPayloadBytes } from "../../core/content/push.ts";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { createRecentSuccess } from "../transport/recent-success.ts";
import { parseRetryAfter } from "../transport/retry-after.ts";
import { createSdkConnections } from "../transport/sdk-connections.ts";
import { classifyTransport } from "../transport/transport-fault.ts";
import { createAccessToken, type TokenAnswer } from "./access-token.ts";
import { classifyFcm } from "./classify.ts";
import { type FcmConfig, fcmVariables, parseServiceAccount } from "./config.ts";
import { buildFcmMessage } from "./payload.ts";

/** Firebase Cloud Messaging. Throws where the service account's key file cannot be used. */
export function createFcmProvider(config: FcmConfig, { clock }: { clock: Clock }): Provider {
  const account = parseServiceAccount(config.FCM_SERVICE_ACCOUNT_FILE);
  const ca = config.PROVIDER_CA_FILE;
  const allowed = config.OUTBOUND_ALLOWED_ADDRESSES;
  const token = createAccessToken({
    ...{ account, tokenUrl: config.FCM_TOKEN_URL, ca, deadlineMs: config.PROVIDER_DEADLINE_MS, clock },
    addressFilter: addressFilterFor(config.FCM_TOKEN_URL, fcmVariables.FCM_TOKEN_URL, allowed),
  });
  const connections = createSdkConnections({
    origin: config.FCM_ORIGIN,
    ca,
    addressFilter: addressFilterFor(config.FCM_ORIGIN, fcmVariables.FCM_ORIGIN, allowed),
  });
  // The SDK is given a short lifetime, so that it asks each time and createAccessToken alone decides when to renew.
  const credential = { getAccessToken: async () => ({ access_token: bearer(await token.get()), expires_in: 1 }) };
  const app = initializeApp({ projectId: account.projectId, credential, httpAgent: connections.agent }, `carillon-${randomUUID()}`);
  const messaging = withoutRetries(getMessaging(app));
  const recentSuccess = createRecentSuccess();

  return {
    name: "fcm",
    async send(delivery, signal, mayBegin) {
      const { endpoint } = delivery;
      if (endpoint.channel !== "fcm") throw new TypeError(`${endpoint.channel} endpoint given to fcm`);
      const { push } = delivery.content;
      if (push === undefined) return { kind: "rejected", reason: "content-missing" };
      const ids = { delivery: delivery.deliveryId, attempt: delivery.attemptId };
      if (pushPayloadBytes("fcm", push, ids) > FCM_PAYLOAD_BYTES_MAX) return { kind: "rejected", reason: "payload-too-large" };

      // Before the send: the SDK would report any failure to get a token as an error of its own.
      const allowed = await withDeadline(token.get(), { signal }).catch((error: unknown) => failed(error));
      if (allowed.kind === "failed") return allowed.outcome;
      const message = buildFcmMessage(delivery, endpoint.token, push, clock.now());
      const sent = await connections.exchange(signal, () => messaging.send(message), mayBegin);
      if (sent.kind === "threw") return broken(sent.error, sent.seen.written, allowed);
      if (typeof sent.value !== "string") return { kind: "unanswered", fault: { code: "bad-response" } };
      recentSuccess.accepted("fcm");
      return { kind: "accepted", providerRef: sent.value };
    },
    async [Symbol.asyncDispose]() {
      connections[Symbol.dispose]();
      await deleteApp(app);
      await token[Symbol.asyncDispose]();
    },
  };

  function broken(error: unknown, written: boolean, used: { accessToken: string; fresh: boolean }): Outcome {
    const answer = httpAnswer(error);
    if (answer === undefined) return classifyTransport(error, { written });
    if (answer.status === 401) token.rejected(used.accessToken);
    return classifyFcm({
      status: answer.status,
      body: answer.data,
      retryAfterMs: parseRetryAfter(answer.headers["retry-after"], clock.now()),
      hasRecentSuccess: recentSuccess.holds("fcm"),
      tokenFresh: used.fresh,
    });
  }
}

const failed = (error: unknown): TokenAnswer => ({ kind: "failed", outcome: classifyTransport(error, { written: false }) });

function bearer(answer: TokenAnswer): string {
  if (answer.kind === "token") return answer.accessToken;
  throw new Error("no access token");
}

/** FirebaseMessagingError.httpResponse, where there was an answer at all. */
function httpAnswer(error: unknown): { status: number; headers: Record<string, unknown>; data: unknown } | undefined {
  if (typeof error !== "object" || error === null || !("httpResponse" in error)) return undefined;
  const response = error.httpResponse;
  if (typeof response !== "object" || response === null || !("status" in response) || typeof response.status !== "number") return undefined;
  const headers = "headers" in response && typeof response.headers === "object" ? { ...response.headers } : {};
  return { status: response.status, headers, data: "data" in response ? response.data : undefined };
}

/**
 * The SDK repeats a push by itself after a 503 and, worse, after a reset or a timeout, when the first one may have arrived. There is no public
 * switch. Throws where a new version has moved the private one, so that an upgrade cannot lead to sending twice.
 */
function withoutRetries(messaging: Messaging): Messaging {
  const handler: unknown = Reflect.get(messaging, "messagingRequestHandler");
  const client: unknown = typeof handler === "object" && handler !== null ? Reflect.get(handler, "httpClient") : undefined;
  if (typeof client !== "object" || client === null || !("retry" in client))
    throw new Error("this version of firebase-admin keeps its retries elsewhere");
  Reflect.set(client, "retry", { maxRetries: 0, maxDelayInMillis: 0 });
  return messaging;
}
