import { randomBytes } from "node:crypto";
import { deliveryOf, parseBasic, sameSecret } from "../kit/read.ts";
import { countSegments } from "../kit/segments.ts";
import { type HttpSimulator, type Judgement, jsonAnswer, type WireAnswer, type WireRequest } from "../kit/simulator.ts";
import { formFault, formPayload } from "./fields.ts";
import { createTwilioMessages } from "./messages.ts";
import type { TwilioOptOuts } from "./opt-outs.ts";

export interface TwilioAccount {
  /** Empty: the first. */
  name: string;
  accountSid: string;
  authToken: string;
  apiKey: { sid: string; secret: string };
  from: string;
}

/** Twilio: "Error and Warning Dictionary", "Test Credentials". */
interface Rejection {
  status: number;
  code: number;
  message: string;
  headers?: Record<string, string> | undefined;
}
const reject = (code: number, message: string, status = 400): Rejection => ({ status, code, message });
const STOPPED = reject(21610, "Attempt to send to unsubscribed recipient");

export function createTwilio(parts: {
  accounts: () => readonly TwilioAccount[];
  now: () => number;
  optOuts: TwilioOptOuts;
}): HttpSimulator {
  const { accounts, now, optOuts } = parts;
  const messagesOf = new Map<string, ReturnType<typeof createTwilioMessages>>();
  const messagesAt = (sid: string) => messagesOf.get(sid) ?? messagesOf.set(sid, createTwilioMessages(sid)).get(sid)!;
  const isCollection = (request: WireRequest, { accountSid }: TwilioAccount) =>
    request.path === `/2010-04-01/Accounts/${accountSid}/Messages.json`;

  /** The account whose credentials the request shows, or what rejects any request. Credentials are of one account, and so is every path. */
  function accountOf(request: WireRequest): TwilioAccount | Rejection {
    const basic = parseBasic(request.headers.authorization);
    const isOf = ({ accountSid, authToken, apiKey }: TwilioAccount) =>
      basic !== undefined &&
      ((basic.user === accountSid && sameSecret(basic.password, authToken)) ||
        (basic.user === apiKey.sid && sameSecret(basic.password, apiKey.secret)));
    const account = accounts().find(isOf);
    if (account === undefined) return reject(20003, "Authenticate", 401);
    if (sidIn(request.path) !== account.accountSid) return reject(20404, `The requested resource ${request.path} was not found`, 404);
    return account;
  }

  function rejectionOf(request: WireRequest, form: URLSearchParams): Rejection | undefined {
    const account = accountOf(request);
    if ("status" in account) return account;
    if (!isCollection(request, account)) return reject(20404, `The requested resource ${request.path} was not found`, 404);
    if (request.method !== "POST") return reject(20004, "Method not allowed", 405);
    const fault = formFault(form, now());
    if (fault !== undefined) return reject(fault.code, fault.message);
    const to = form.get("To") ?? "";
    const isStopped = optOuts.holds(to, [form.get("From"), form.get("MessagingServiceSid")]);
    return senderRejection(form, account.from) ?? numberRejection(to) ?? (isStopped ? STOPPED : undefined);
  }

  return {
    bodyBytesMax: 65_536,
    sideRequest(request) {
      if (request.method !== "GET") return undefined;
      return {
        faultTarget: "twilio-status-query",
        answer(lagMs) {
          const account = accountOf(request);
          if ("status" in account) return errorAnswer(account);
          const messages = messagesAt(account.accountSid);
          if (isCollection(request, account)) return jsonAnswer(200, messages.list(request.query, now() - lagMs));
          const message = messages.find(/\/Messages\/(\w+)\.json$/.exec(request.path)?.[1] ?? "");
          return message
            ? jsonAnswer(200, message)
            : errorAnswer(reject(20404, `The requested resource ${request.path} was not found`, 404));
        },
      };
    },
    read(request) {
      const form = new URLSearchParams(request.body.toString());
      const callback = form.get("StatusCallback") ?? "";
      const attemptId = URL.canParse(callback) ? (new URL(callback).searchParams.get("attempt") ?? "") : "";
      return {
        deliveryId: deliveryOf(attemptId),
        attemptId,
        recipient: form.get("To") ?? "",
        account: sidIn(request.path),
        payload: formPayload(form),
      };
    },
    judge(request): Judgement {
      const form = new URLSearchParams(request.body.toString());
      const rejection = rejectionOf(request, form);
      if (rejection !== undefined)
        return { accepted: false, code: `${rejection.status} ${rejection.code}`, answer: errorAnswer(rejection) };
      const hasService = form.has("MessagingServiceSid");
      const media = form.getAll("MediaUrl").length;
      const isMms = media > 0 || form.get("SendAsMms") === "true";
      const message = messagesAt(sidIn(request.path)).add({
        sid: `${isMms ? "MM" : "SM"}${randomBytes(16).toString("hex")}`,
        to: form.get("To") ?? "",
        from: form.get("From"),
        messaging_service_sid: form.get("MessagingServiceSid"),
        body: form.get("Body") ?? "",
        status: form.has("ScheduleType") ? "scheduled" : hasService ? "accepted" : "queued",
        num_segments: hasService ? "0" : String(countSegments(form.get("Body") ?? "")),
        num_media: String(media),
        createdAt: now(),
      });
      return { accepted: true, code: "201", answer: jsonAnswer(201, message) };
    },
  };
}

/** "" where the path names no account. */
const sidIn = (path: string) => /^\/2010-04-01\/Accounts\/(\w+)\//.exec(path)?.[1] ?? "";

function errorAnswer({ status, code, message, headers }: Rejection): WireAnswer {
  return jsonAnswer(status, { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status }, headers);
}

function senderRejection(form: URLSearchParams, ownNumber: string): Rejection | undefined {
  // A service without senders; see README.md.
  if (form.get("MessagingServiceSid") === `MG${"0".repeat(32)}`)
    return reject(21703, "The Messaging Service does not have a phone number available to send a message");
  const from = form.get("From");
  // Alphanumeric senders are of SMS alone.
  if (/[A-Za-z]/.test(from ?? "") && (form.has("MediaUrl") || form.get("SendAsMms") === "true"))
    return reject(21612, `Message cannot be sent with the current combination of 'To' (${form.get("To")}) and 'From' parameters`);
  if (isName(from ?? "")) return undefined;
  switch (from) {
    case null:
    case ownNumber:
      return undefined;
    case "+15005550001":
      return reject(21212, `The 'From' number ${from} is not a valid phone number, shortcode, or alphanumeric sender ID.`);
    case "+15005550008":
      return reject(21611, "This 'From' number has exceeded the maximum number of queued messages");
    default:
      return reject(21606, `The 'From' phone number provided (${from}) is not a valid message-capable phone number for this account.`);
  }
}

/** Alphanumeric sender ids have a letter; short codes are five or six digits. */
const isName = (from: string) => /^(?=.*[A-Za-z])[A-Za-z0-9 +&_-]{1,11}$/.test(from) || /^[1-9]\d{4,5}$/.test(from);

/** Twilio's own test numbers, and suffixes that select an answer; see README.md. */
function numberRejection(to: string): Rejection | undefined {
  if (!/^\+[1-9]\d{6,14}$/.test(to)) return reject(21211, `Invalid 'To' Phone Number: ${to}`);
  switch (to) {
    case "+15005550001":
      return reject(21211, `Invalid 'To' Phone Number: ${to}`);
    case "+15005550002":
      return reject(21612, `Message cannot be sent with the current combination of 'To' (${to}) and 'From' parameters`);
    case "+15005550003":
      return reject(21408, `Permission to send an SMS or MMS has not been enabled for the region indicated by the 'To' number: ${to}`);
    case "+15005550004":
      return STOPPED;
    case "+15005550009":
      return reject(21614, `'To' number is not a valid mobile number: ${to}`);
  }
  if (to.endsWith("0429")) return { ...reject(20429, "Too Many Requests", 429), headers: { "retry-after": "1" } };
  return undefined;
}
