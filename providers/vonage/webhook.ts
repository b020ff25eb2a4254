import { createHash, createHmac } from "node:crypto";
import { type JsonLimits, parseBoundedJson } from "../../runtime/http/bounded-json.ts";
import {
  decodeExactly,
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
  type WebhookSettings,
} from "../transport/webhook.ts";
import { readVonageText, vonageTexts } from "./inbound.ts";

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

/** Receipts have below 20 fields, those of the Messages API objects with a few more. */
const RECEIPT_JSON: JsonLimits = { itemsMax: 400, depthMax: 8 };
const NAME = /^[\w.-]{1,64}$/;
/** Bytes of an HMAC-SHA256, and of a SHA-256. */
const SIGNATURE_BYTES = 32;
const TOKEN = /^bearer +([\w-]+)\.([\w-]+)\.([\w-]+)$/i;
/** Tokens have below 500 characters. */
const TOKEN_CHARS_MAX = 4_096;

/** SMS API: "Opted-out numbers": Vonage accepts the text, and rejects it afterwards. Messages API: "Errors", the same. */
const STOPPED: readonly unknown[] = ["9", "1240"];

/** Delivery receipts of the SMS API, the status webhooks of the Messages API, and texts that people write to the SMS API's numbers. */
export const vonage: WebhookReader = {
  provider: "vonage",
  events: VONAGE_EVENTS,
  bodyBytesMax: 16_384,
  /** Without a token the signature stands in the body. */
  maySign: (headers, settings) => (hasBearer({ headers }) ? tokenOf({ headers }) !== undefined : !requiresToken(settings)),
  /** Where there is a token, it alone counts. */
  verify(webhook, secret, settings) {
    if (!hasBearer(webhook)) return !requiresToken(settings) && hasSignature(webhook, secret);
    const token = tokenOf(webhook);
    // A token covers the body, and by GET everything stands in the query.
    return token !== undefined && !isGet(webhook) && isSignedToken(token, webhook, secret);
  },
  read(webhook) {
    const fields = paramsOf(webhook);
    if (typeof fields.status !== "string") return undefined;
    const reason = reasonOf(fields);
    return receiptsOf({
      provider: "vonage",
      events: VONAGE_EVENTS,
      attemptId: fields["client-ref"] ?? fields.client_ref,
      event: fields.status,
      reason,
      learned: STOPPED.includes(reason) ? { kind: "stop", reason: String(reason) } : undefined,
      providerRef: fields.messageId ?? fields.message_uuid,
      receivedAt: webhook.receivedAt,
    });
  },
  texts: { ...vonageTexts, read: (webhook) => readVonageText(paramsOf(webhook)) },
};

const hasBearer = (webhook: Pick<Webhook, "headers">) => /^bearer\b/i.test(header(webhook, "authorization"));
/** A POST has everything in its body. */
const isGet = ({ body }: Pick<Webhook, "body">) => body.length === 0;
const requiresToken = (settings: WebhookSettings) => settings.VONAGE_WEBHOOK_TOKEN_REQUIRED === true;

/** By POST a form or JSON, by GET the query, as the account is set. None where a field is given twice: a signature holds each name once. */
function paramsOf(webhook: Webhook): Fields {
  if (/^application\/json\b/i.test(header(webhook, "content-type"))) {
    const given = parseBoundedJson(webhook.body, RECEIPT_JSON);
    return isFields(given) ? given : {};
  }
  const pairs = [...((isGet(webhook) ? parseForm(Buffer.from(webhook.query.toString())) : parseForm(webhook.body)) ?? [])];
  return new Set(pairs.map(([name]) => name)).size === pairs.length ? Object.fromEntries(pairs) : {};
}

/** err-code "0" is "delivered" (SMS API); the Messages API ends the URL of an error's type in its number. */
function reasonOf(fields: Fields): unknown {
  const code = fields["err-code"];
  if (code !== undefined) return code === "0" ? undefined : code;
  const type = isFields(fields.error) ? fields.error.type : undefined;
  return typeof type === "string" ? /[\w.-]+$/.exec(type)?.[0] : undefined;
}

/**
 * Vonage, "Signing messages", algorithm SHA-256 HMAC alone: the sender must not choose the algorithm. Only texts and numbers are signed, under
 * plain names: with = or & in a name the same text would stand for other fields, and so could whoever saw one receipt leave some of them out.
 */
function hasSignature(webhook: Webhook, secret: string): boolean {
  const { sig, ...params } = paramsOf(webhook);
  const { timestamp } = params;
  if (typeof sig !== "string" || !isScalar(timestamp) || !/^\d{1,12}$/.test(String(timestamp))) return false;
  if (!isRecent(Number(timestamp) * 1_000, webhook.receivedAt)) return false;
  if (!Object.entries(params).every(([name, value]) => NAME.test(name) && isScalar(value))) return false;
  const text = Object.keys(params)
    .sort()
    .map((name) => `&${name}=${String(params[name]).replace(/[&=]/g, "_")}`)
    .join("");
  return isSame(decodeExactly(sig, "hex"), createHmac("sha256", secret).update(text).digest());
}

const isScalar = (value: unknown): value is string | number => typeof value === "string" || Number.isFinite(value);

interface Token {
  head: string;
  claims: string;
  signature: Buffer;
}

function tokenOf({ headers }: Pick<Webhook, "headers">): Token | undefined {
  const given = header({ headers }, "authorization");
  const [, head = "", claims = "", signed = ""] = (given.length <= TOKEN_CHARS_MAX && TOKEN.exec(given)) || [];
  const signature = decodeExactly(signed, "base64url");
  return signature.length === SIGNATURE_BYTES ? { head, claims, signature } : undefined;
}

/** Vonage, "Decoding signed webhooks": a JWT under the signature secret whose claims hold the time and the body's hash. */
function isSignedToken({ head, claims, signature }: Token, webhook: Webhook, secret: string): boolean {
  if (!isSame(signature, createHmac("sha256", secret).update(`${head}.${claims}`).digest())) return false;
  const { alg } = jwtPart(head);
  const { iat, payload_hash } = jwtPart(claims);
  if (alg !== "HS256" || typeof iat !== "number" || typeof payload_hash !== "string") return false;
  return (
    isRecent(iat * 1_000, webhook.receivedAt) &&
    isSame(decodeExactly(payload_hash, "hex"), createHash("sha256").update(webhook.body).digest())
  );
}

function jwtPart(text: string): Fields {
  const part = parseBoundedJson(Buffer.from(text, "base64url"), RECEIPT_JSON);
  return isFields(part) ? part : {};
}
