import { type KeyObject, randomBytes } from "node:crypto";
import { localPart } from "../kit/address.ts";
import { isVerifiedSender } from "../kit/email-sender.ts";
import { fieldsOf, listOf, parseBearer, parseJson, sameSecret, textOf } from "../kit/read.ts";
import { type HttpSimulator, type Judgement, jsonAnswer, type WireAnswer, type WireRequest } from "../kit/simulator.ts";
import type { Suppressions } from "../kit/suppressions.ts";
import { createSendgridActivity } from "./activity.ts";
import { type MailFault, mailFaults } from "./mail.ts";
import { suppressionPage } from "./suppressions.ts";

export interface SendgridAccount {
  apiKey: string;
  webhookKey: KeyObject;
}

/** SendGrid: "Mail Send", "Errors", "Rate limits". */
const BODY_BYTES_MAX = 30 * 1_048_576;
/** From now to X-RateLimit-Reset, in s. */
const THROTTLED_S = 2;
const HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#message.";

/** Its sections are named after fields, without positions and without "email". */
const helpFor = (field: string) => HELP + field.replace(/\.\d+|\.email$/g, "");

export function createSendgrid(parts: { credentials: SendgridAccount; now: () => number; suppressions: Suppressions }): HttpSimulator {
  const { credentials, now, suppressions } = parts;
  const activity = createSendgridActivity();

  function answerStatusQuery(request: WireRequest, lagMs: number): WireAnswer {
    if (!isKnown(request)) return UNAUTHORIZED;
    const messages = activity.filter(request.query, now() - lagMs);
    return messages ? jsonAnswer(200, { messages }) : errors(400, [{ message: "invalid query", field: "query" }]);
  }

  const isKnown = (request: WireRequest) => sameSecret(parseBearer(request.headers.authorization) ?? "", credentials.apiKey);

  function rejectionOf(request: WireRequest): WireAnswer | undefined {
    if (request.path !== "/v3/mail/send") return errors(404, [{ message: "not found" }]);
    if (request.method !== "POST") return errors(405, [{ message: "method not allowed" }]);
    if (!isKnown(request)) return UNAUTHORIZED;
    if (!/^application\/json\b/i.test(request.headers["content-type"] ?? ""))
      return errors(415, [{ message: "Content-Type should be application/json." }]);
    if (request.body.length > BODY_BYTES_MAX)
      return errors(413, [{ message: "The JSON payload you have included in your request is too large." }]);
    const mail = parseJson(request.body);
    if (mail === undefined) return errors(400, [{ message: "Bad Request" }]);
    const faults = mailFaults(mail, now() / 1_000);
    if (faults.length > 0) return errors(400, faults);
    if (!isVerifiedSender(textOf(fieldsOf(fieldsOf(mail).from).email)))
      return errors(403, [
        {
          message: "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.",
          field: "from",
        },
      ]);
    // An address that selects an answer; see README.md.
    if (recipientsOf(mail).some((address) => localPart(address).startsWith("throttled"))) return throttled(now());
    return undefined;
  }

  return {
    bodyBytesMax: BODY_BYTES_MAX,
    sideRequest(request) {
      const list = /^\/v3\/suppression\/([a-z_]+)$/.exec(request.path)?.[1];
      if (request.method === "GET" && list !== undefined)
        return { answer: () => (isKnown(request) ? (suppressionPage(suppressions, list, request.query) ?? NOT_FOUND) : UNAUTHORIZED) };
      if (request.method !== "GET" || request.path !== "/v3/messages") return undefined;
      return { faultTarget: "sendgrid-status-query", answer: (lagMs) => answerStatusQuery(request, lagMs) };
    },
    read(request) {
      const payload = parseJson(request.body);
      const args = fieldsOf(fieldsOf(listOf(fieldsOf(payload).personalizations)[0]).custom_args);
      return {
        deliveryId: textOf(args.carillon_delivery),
        attemptId: textOf(args.carillon_attempt),
        recipient: recipientsOf(payload)[0] ?? "",
        payload,
      };
    },
    judge(request, sent): Judgement {
      const rejection = rejectionOf(request);
      if (rejection !== undefined) return { accepted: false, code: String(rejection.status), answer: rejection };
      const isTrial = fieldsOf(fieldsOf(fieldsOf(sent.payload).mail_settings).sandbox_mode).enable === true;
      const messageId = randomBytes(16).toString("base64url");
      if (!isTrial) activity.add(sent.payload, messageId, now());
      const answer = { status: isTrial ? 200 : 202, headers: { "x-message-id": messageId } };
      return { accepted: !isTrial, code: String(answer.status), answer };
    },
  };
}

function recipientsOf(mail: unknown): string[] {
  return listOf(fieldsOf(mail).personalizations).flatMap((p) => listOf(fieldsOf(p).to).map((to) => textOf(fieldsOf(to).email)));
}

const errors = (status: number, faults: readonly MailFault[]) =>
  jsonAnswer(status, {
    errors: faults.map(({ message, field }) => ({ message, field: field ?? null, help: field ? helpFor(field) : null })),
  });

const NOT_FOUND = errors(404, [{ message: "not found" }]);
const UNAUTHORIZED = errors(401, [{ message: "The provided authorization grant is invalid, expired, or revoked" }]);

function throttled(now: number): WireAnswer {
  const reset = String(Math.ceil(now / 1_000) + THROTTLED_S);
  return {
    ...errors(429, [{ message: "too many requests" }]),
    headers: {
      "content-type": "application/json",
      "x-ratelimit-limit": "600",
      "x-ratelimit-remaining": "0",
      "x-ratelimit-reset": reset,
    },
  };
}
