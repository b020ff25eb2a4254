import { FCM_PAYLOAD_BYTES_MAX } from "../../core/content/limits.ts";
import { type Outcome, unsendable } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Provider } from "../../core/ports/provider.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { textFieldsOf } from "../transport/foreign.ts";
import { createJsonHttp, type Exchanged } from "../transport/json-http.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import { createRecentSuccess } from "../transport/recent-success.ts";
import { parseRetryAfter } from "../transport/retry-after.ts";
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
  const api = createJsonHttp({
    origin: config.FCM_ORIGIN,
    ca,
    addressFilter: addressFilterFor(config.FCM_ORIGIN, fcmVariables.FCM_ORIGIN, allowed),
  });
  const path = `/v1/projects/${encodeURIComponent(account.projectId)}/messages:send`;
  const recentSuccess = createRecentSuccess();

  return {
    name: "fcm",
    async send(delivery, signal, mayBegin) {
      const { endpoint } = delivery;
      if (endpoint.channel !== "fcm") throw new TypeError(`${endpoint.channel} endpoint given to fcm`);
      const { push } = delivery.content;
      if (push === undefined) return unsendable("content-missing");
      const { message, bytes } = buildFcmMessage(delivery, endpoint, push, clock.now());
      if (bytes > FCM_PAYLOAD_BYTES_MAX) return unsendable("payload-too-large");

      const used = token.current() ?? (await withDeadline(token.get(), { signal }).catch((error: unknown) => failed(error)));
      if (used.kind === "failed") return used.outcome;
      const posted = await api.post(path, { authorization: `Bearer ${used.accessToken}` }, { message }, signal, mayBegin);
      if (posted.kind === "none") return posted.outcome;
      if (posted.status !== 200) return answered(posted, used, delivery.app);
      const name = textFieldsOf(posted.body)("name");
      if (name === "") return { kind: "unanswered", fault: { code: "bad-response" } };
      recentSuccess.accepted(delivery.app);
      return { kind: "accepted", providerRef: name };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([api[Symbol.asyncDispose](), token[Symbol.asyncDispose]()]);
    },
  };

  function answered({ status, headers, body }: Answer, used: { accessToken: string; fresh: boolean }, app: string): Outcome {
    if (status === 401) token.rejected(used.accessToken);
    return classifyFcm({
      ...{ status, body },
      retryAfterMs: parseRetryAfter(headers["retry-after"], clock.now()),
      hasRecentSuccess: recentSuccess.holds(app),
      tokenFresh: used.fresh,
    });
  }
}

type Answer = Extract<Exchanged, { kind: "answer" }>;

const failed = (error: unknown): TokenAnswer => ({ kind: "failed", outcome: classifyTransport(error, { written: false }) });
