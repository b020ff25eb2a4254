import { createJsonHttp } from "../transport/json-http.ts";
import { addressFilterFor } from "../transport/provider-connections.ts";
import type { SendReply } from "../transport/webhook.ts";
import { classifyVonage } from "./classify.ts";
import { type VonageConfig, vonageAuthorization, vonageVariables } from "./config.ts";
import { vonageTypeOf } from "./payload.ts";

type ReplyConfig = Pick<
  VonageConfig,
  "VONAGE_API_KEY" | "VONAGE_API_SECRET_FILE" | "VONAGE_ORIGIN" | "PROVIDER_CA_FILE" | "OUTBOUND_ALLOWED_ADDRESSES"
>;

/** Replies are rare, so each has a connection of its own. Without client-ref: its receipt is about no attempt of ours. */
export const replyByVonage: SendReply = async ({ from, to, text }, settings, signal) => {
  const config = settings as ReplyConfig;
  const { VONAGE_ORIGIN: origin, PROVIDER_CA_FILE: ca, OUTBOUND_ALLOWED_ADDRESSES: allowed } = config;
  const addressFilter = addressFilterFor(origin, vonageVariables.VONAGE_ORIGIN, allowed);
  await using api = createJsonHttp({ origin, ca, addressFilter, connectionsMax: 1 });
  const message = { from: from.replace(/^\+/, ""), to: to.replace(/^\+/, ""), text, type: vonageTypeOf(text) };
  const posted = await api.post("/sms/json", { authorization: vonageAuthorization(config) }, message, signal);
  if (posted.kind === "none") return posted.outcome;
  return classifyVonage({ status: posted.status, body: posted.body, retryAfterMs: undefined });
};
