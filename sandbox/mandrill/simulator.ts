import { randomBytes } from "node:crypto";
import { isAddress, localPart } from "../kit/address.ts";
import { isVerifiedSender } from "../kit/email-sender.ts";
import { type Fields, fieldsOf, listOf, parseJson, sameSecret, textOf } from "../kit/read.ts";
import { type HttpSimulator, type Judgement, jsonAnswer, type WireAnswer, type WireRequest } from "../kit/simulator.ts";
import type { Suppressions } from "../kit/suppressions.ts";
import { isScheduled, requestFaults } from "./fields.ts";
import { createMandrillMessages } from "./messages.ts";
import { rejectsList } from "./rejects.ts";

export interface MandrillAccount {
  apiKey: string;
  webhookKey: string;
}

/** Mailchimp Transactional: "Messages: Send new message" and "Errors". */
const BODY_BYTES_MAX = 25 * 1_048_576;
/** With more recipients the status is "queued". */
const SYNCHRONOUS_RECIPIENTS_MAX = 10;

interface RecipientAnswer {
  email: string;
  status: "sent" | "queued" | "scheduled" | "rejected" | "invalid";
  _id: string;
  reject_reason: string | null;
  queued_reason?: string;
}

export function createMandrill(parts: { credentials: MandrillAccount; now: () => number; suppressions: Suppressions }): HttpSimulator {
  const { credentials, now, suppressions } = parts;
  const messages = createMandrillMessages();

  const methodIn = (request: WireRequest) => /^\/api\/1\.[03]\/([a-z]+\/[a-z0-9-]+?)(\.json)?$/.exec(request.path)?.[1] ?? "";
  const isKnown = (body: unknown) => sameSecret(textOf(fieldsOf(body).key), credentials.apiKey);

  /** Status queries and other methods that are not sends. */
  function answerOther(method: string, body: Fields, lagMs: number): WireAnswer {
    if (!isKnown(body)) return error(401, -1, "Invalid_Key", "Invalid API key");
    if (method === "users/ping") return jsonAnswer(200, "PONG!");
    if (method === "users/ping2") return jsonAnswer(200, { PING: "PONG!" });
    if (method === "messages/search") return jsonAnswer(200, messages.search(body, (now() - lagMs) / 1_000));
    if (method === "rejects/list") return jsonAnswer(200, rejectsList(suppressions, body, now()));
    if (method !== "messages/info") return error(404, -1, "Unknown_Method", "Unknown method");
    const id = textOf(body.id);
    const message = messages.find(id);
    return message ? jsonAnswer(200, message) : error(404, 11, "Unknown_Message", `No message exists with the id '${id.slice(0, 64)}'`);
  }

  return {
    bodyBytesMax: BODY_BYTES_MAX,
    isRefusal(answer) {
      const statuses = listOf(parseJson(answer.body ?? "")).map((recipient) => textOf(fieldsOf(recipient).status));
      return statuses.length > 0 && statuses.every(isRefused);
    },
    sideRequest(request) {
      const method = methodIn(request);
      if (method === "messages/send" && request.method === "POST") return undefined;
      return {
        faultTarget: method === "messages/search" ? "mandrill-status-query" : undefined,
        answer: (lagMs) => answerOther(method, fieldsOf(parseJson(request.body)), lagMs),
      };
    },
    read(request) {
      const { key: _key, ...payload } = fieldsOf(parseJson(request.body));
      const message = fieldsOf(payload.message);
      const metadata = fieldsOf(message.metadata);
      return {
        deliveryId: textOf(metadata.carillon_delivery),
        attemptId: textOf(metadata.carillon_attempt),
        recipient: textOf(fieldsOf(listOf(message.to)[0]).email),
        payload,
      };
    },
    judge(request): Judgement {
      if (request.body.length > BODY_BYTES_MAX)
        return rejected(error(400, -2, "ValidationError", "The message is too large"), "400 ValidationError");
      const body = parseJson(request.body);
      if (!isKnown(body)) return rejected(error(401, -1, "Invalid_Key", "Invalid API key"), "401 Invalid_Key");
      const { key: _key, ...given } = fieldsOf(body);
      const faults = requestFaults(given, now());
      if (faults !== undefined)
        return rejected(error(400, -2, "ValidationError", `Validation error: ${JSON.stringify(faults)}`), "400 ValidationError");
      const message = fieldsOf(given.message);
      // A name that selects an answer; see README.md.
      if (message.subaccount === "unknown")
        return rejected(error(404, 12, "Unknown_Subaccount", "No subaccount exists with the id 'unknown'"), "404 Unknown_Subaccount");
      const isOwnSender = isVerifiedSender(textOf(message.from_email));
      const addresses = listOf(message.to).map((to) => textOf(fieldsOf(to).email));
      const isLater = given.async === true || addresses.length > SYNCHRONOUS_RECIPIENTS_MAX;
      const status = isScheduled(given, now()) ? "scheduled" : isLater ? "queued" : "sent";
      const answers = addresses.map((email) => answerFor(email, isOwnSender, status));
      for (const { _id, email, status } of answers) messages.add({ id: _id, email, status, message, ts: now() / 1_000 });
      const first = answers[0];
      return {
        accepted: answers.some(({ status }) => !isRefused(status)),
        code: `200 ${first?.status}${first?.reject_reason ? ` ${first.reject_reason}` : ""}`,
        answer: jsonAnswer(200, answers),
      };
    },
  };
}

const isRefused = (status: string) => status === "rejected" || status === "invalid";
const error = (status: number, code: number, name: string, message: string) => jsonAnswer(status, { status: "error", code, name, message });
const rejected = (answer: WireAnswer, code: string): Judgement => ({ accepted: false, code, answer });

/** Addresses that select an answer; see README.md. */
function answerFor(email: string, isOwnSender: boolean, status: RecipientAnswer["status"]): RecipientAnswer {
  const _id = randomBytes(16).toString("hex");
  const local = localPart(email);
  if (!isAddress(email) || local === "invalid") return { email, status: "invalid", _id, reject_reason: null };
  if (!isOwnSender) return { email, status: "rejected", _id, reject_reason: "unsigned" };
  if (local.startsWith("reject")) return { email, status: "rejected", _id, reject_reason: "hard-bounce" };
  if (local.startsWith("quota")) return { email, status: "queued", _id, reject_reason: null, queued_reason: "hourly-quota-exhausted" };
  return { email, status, _id, reject_reason: null };
}
