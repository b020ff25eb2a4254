import type { FaultAction, FaultUse, WebhookAction } from "../kit/faults.ts";
import type { FaultButton } from "./view.ts";

/** Enough requests for any rehearsal: a fault that stands until it is removed. */
export const UNTIL_REMOVED = 1_000_000_000;
const THROTTLED_S = 30;

type Ordered = FaultAction | WebhookAction;

const NO_ANSWER: Ordered = { kind: "no-answer" };
const receipt = (undelivered: string): Ordered => ({ kind: "webhooks", undelivered });
const complaint = (later: string): Ordered => ({ kind: "webhooks", later });
const answers = (status: number, body: unknown, headers?: Record<string, string>): Ordered => ({ kind: "answer", status, body, headers });
/** Asks to wait as HTTP says it. */
const throttles = (body: unknown) => answers(429, body, { "retry-after": String(THROTTLED_S) });
const THROTTLE = `Throttle ${THROTTLED_S} s`;

/** What can go wrong at each provider, in its own words on the wire. Push services send no receipts, so nothing bounces there. */
const BUTTONS: Readonly<Record<string, readonly (readonly [label: string, action: Ordered])[]>> = {
  sendgrid: [
    ["503", answers(503, { errors: [{ message: "service unavailable", field: null, help: null }] })],
    ["No answer", NO_ANSWER],
    [THROTTLE, throttles({ errors: [{ message: "too many requests", field: null, help: null }] })],
    ["Bounce", receipt("bounce")],
    ["Complaint", complaint("spamreport")],
  ],
  mandrill: [
    ["503", answers(503, { status: "error", code: -99, name: "ServiceUnavailable", message: "Service unavailable" })],
    ["No answer", NO_ANSWER],
    [THROTTLE, throttles({ status: "error", code: -99, name: "TooManyRequests", message: "Too many requests" })],
    ["Bounce", receipt("hard_bounce")],
    ["Complaint", complaint("spam")],
  ],
  smtp: [
    ["451", answers(451, "4.3.0 try again later")],
    ["No answer", NO_ANSWER],
    ["Throttle", answers(450, "4.7.0 too many messages")],
  ],
  twilio: [
    ["503", answers(503, { status: 503, code: 20503, message: "Service unavailable" })],
    ["No answer", NO_ANSWER],
    [THROTTLE, throttles({ status: 429, code: 20429, message: "Too many requests" })],
    [
      "Region not enabled",
      answers(400, { status: 400, code: 21408, message: "Permission to send an SMS has not been enabled for the region" }),
    ],
    ["Not delivered", receipt("30003")],
  ],
  vonage: [
    ["503", answers(503, "")],
    ["No answer", NO_ANSWER],
    ["Throttle", answers(200, { "message-count": "1", messages: [{ status: "1", "error-text": "Throttled" }] })],
    ["Not delivered", receipt("2")],
  ],
  apns: [
    ["503", answers(503, { reason: "ServiceUnavailable" })],
    ["No answer", NO_ANSWER],
    ["Throttle", answers(429, { reason: "TooManyRequests" })],
    ["Token gone", answers(410, { reason: "Unregistered" })],
  ],
  fcm: [
    ["503", answers(503, fcmError(503, "UNAVAILABLE", "UNAVAILABLE"))],
    ["No answer", NO_ANSWER],
    [THROTTLE, throttles(fcmError(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"))],
    ["Token gone", answers(404, fcmError(404, "NOT_FOUND", "UNREGISTERED"))],
  ],
  webpush: [
    ["503", answers(503, { code: 503, errno: 201, error: "Service Unavailable" })],
    ["No answer", NO_ANSWER],
    [THROTTLE, throttles({ code: 429, errno: 999, error: "Too Many Requests" })],
    ["Subscription gone", answers(410, { code: 410, errno: 106, error: "Gone" })],
  ],
};

function fcmError(code: number, status: string, errorCode: string): unknown {
  return {
    error: { code, status, message: errorCode, details: [{ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode }] },
  };
}

export const buttonsOf = (provider: string): FaultButton[] =>
  (BUTTONS[provider] ?? []).map(([label, action]) => ({ label, order: { provider, do: { ...action } } }));

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** "400 (Region not enabled); ordered here, 2 of 3"; without the numbers where it stands until it is removed. */
export function orderedWords(provider: string, { action, use, of }: FaultUse): string {
  return of >= UNTIL_REMOVED
    ? `${faultWords(provider, action)}; ordered here`
    : `${faultWords(provider, action)}; ordered here, ${use} of ${of}`;
}

/** What a fault does, in words; one that no button orders, by its kind. */
export function faultWords(provider: string, action: Ordered): string {
  const [label] = BUTTONS[provider]?.find(([, own]) => isSame(own, action)) ?? [];
  if (action.kind === "answer") return label === undefined || /^\d+$/.test(label) ? `${action.status}` : `${action.status} (${label})`;
  if (action.kind === "no-answer") return "no answer";
  if (action.kind === "webhooks") return label === undefined ? "other receipts" : `a receipt: ${label}`;
  return action.kind;
}
