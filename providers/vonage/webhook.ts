import { createHash, createHmac } from "node:crypto";
import { parseJson } from "../../runtime/http/parse.ts";
import {
  type EventTable,
  type Fields,
  header,
  isFields,
  isRecent,
  isSame,
  parseForm,
  receiptsOf,
  type Webhook,
  type WebhookReader,
} from "../transport/webhook.ts";

/** Vonage: "SMS API: Delivery receipts" and "Messages API: Message status". */
const VONAGE_EVENTS: EventTable = {
  submitted: "accepted",
  accepted: "accepted",
  buffered: "accepted",
  unknown: "accepted",
  delivered: "delivered",
  failed: "undelivered",
  rejected: "undelivered",
  expired: "undelivered",
  deleted: "undelivered",
  undeliverable: "undelivered",
};

/** Delivery receipts of the SMS API, and the status webhooks of the Messages API. */
export const vonage: WebhookReader = {
  provider: "vonage",
  events: VONAGE_EVENTS,
  verify(webhook, secret) {
    const token = /^bearer\s+(\S+)$/i.exec(header(webhook, "authorization"))?.[1];
    return token === undefined ? hasSignature(webhook, secret) : isSignedToken(token, webhook, secret);
  },
  read(webhook) {
    const fields = paramsOf(webhook);
    if (typeof fields.status !== "string") return undefined;
    return receiptsOf({
      provider: "vonage",
      events: VONAGE_EVENTS,
      attemptId: fields["client-ref"] ?? fields.client_ref,
      event: fields.status,
      reason: reasonOf(fields),
      providerRef: fields.messageId ?? fields.message_uuid,
      receivedAt: webhook.receivedAt,
    });
  },
};

/** Form or JSON, as the account is set. */
function paramsOf(webhook: Webhook): Fields {
  if (!/^application\/json\b/i.test(header(webhook, "content-type"))) return Object.fromEntries(parseForm(webhook.body));
  const given = parseJson(webhook.body);
  return isFields(given) ? given : {};
}

/** err-code "0" is "delivered" (SMS API); the Messages API ends the URL of an error's type in its number. */
function reasonOf(fields: Fields): unknown {
  const code = fields["err-code"];
  if (code !== undefined) return code === "0" ? undefined : code;
  const type = isFields(fields.error) ? fields.error.type : undefined;
  return typeof type === "string" ? /[\w.-]+$/.exec(type)?.[0] : undefined;
}

/** Vonage, "Signing messages", algorithm SHA-256 HMAC alone: the sender must not choose the algorithm. */
function hasSignature(webhook: Webhook, secret: string): boolean {
  const { sig, ...params } = paramsOf(webhook);
  if (typeof sig !== "string" || !isRecent(Number(params.timestamp) * 1_000, webhook.receivedAt)) return false;
  const text = Object.keys(params)
    .sort()
    .map((name) => `&${name}=${String(params[name]).replace(/[&=]/g, "_")}`)
    .join("");
  return isSame(Buffer.from(sig, "hex"), createHmac("sha256", secret).update(text).digest());
}

/** Vonage, "Decoding signed webhooks": a JWT under the signature secret whose claims hold the time and the body's hash. */
function isSignedToken(token: string, webhook: Webhook, secret: string): boolean {
  const [head = "", claims = "", signature = "", ...rest] = token.split(".");
  const expected = createHmac("sha256", secret).update(`${head}.${claims}`).digest();
  if (rest.length > 0 || !isSame(Buffer.from(signature, "base64url"), expected)) return false;
  const { alg } = jwtPart(head);
  const { iat, payload_hash } = jwtPart(claims);
  if (alg !== "HS256" || typeof iat !== "number" || typeof payload_hash !== "string") return false;
  return (
    isRecent(iat * 1_000, webhook.receivedAt) &&
    isSame(Buffer.from(payload_hash, "hex"), createHash("sha256").update(webhook.body).digest())
  );
}

function jwtPart(text: string): Fields {
  const part = parseJson(Buffer.from(text, "base64url"));
  return isFields(part) ? part : {};
}
