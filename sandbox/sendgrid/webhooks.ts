import { sign } from "node:crypto";
import { fieldsOf, listOf } from "../kit/read.ts";
import type { WebhookEvent, WebhookWriter } from "../kit/webhook-write.ts";
import type { SendgridAccount } from "./simulator.ts";

/** SendGrid posts up to 768 kB; one of these events is smaller than 1 kB. */
const EVENTS_MAX = 500;

/** The signed Event Webhook (SendGrid: "Event Webhook Reference", "Event Webhook Security Features"). */
export function createSendgridWriter({ webhookKey }: SendgridAccount, now: () => number): WebhookWriter {
  return {
    eventsMax: EVENTS_MAX,
    refsIn: (answer) => [answer.headers?.["x-message-id"] ?? ""],
    write(events, target) {
      // The line break is part of what is signed.
      const body = `${JSON.stringify(events.map(eventOf))}\r\n`;
      const timestamp = String(Math.floor(now() / 1_000));
      const headers = {
        "content-type": "application/json;charset=utf-8",
        "x-twilio-email-event-webhook-signature": sign("sha256", Buffer.from(`${timestamp}${body}`), webhookKey).toString("base64"),
        "x-twilio-email-event-webhook-timestamp": timestamp,
      };
      return { url: `${target}/sendgrid`, headers, body };
    },
  };
}

function eventOf({ eventId, kind, reason, sent, ref, at }: WebhookEvent) {
  const { custom_args } = fieldsOf(listOf(fieldsOf(sent.payload).personalizations)[0]);
  return {
    email: sent.recipient,
    timestamp: Math.floor(at / 1_000),
    "smtp-id": `<${ref}@geopod-ismtpd-1>`,
    ...fieldsOf(custom_args),
    sg_event_id: eventId,
    sg_message_id: `${ref}.recvd-5d8cf7b9c4-abcde-1-64A1B2C3-1.0`,
    ...statusOf(kind, reason),
  };
}

/** What people do, not servers. */
const ENGAGEMENT = ["spamreport", "unsubscribe", "group_unsubscribe"];

/** Reasons are "bounce", "blocked" and "dropped", and the events of ENGAGEMENT. */
function statusOf(kind: WebhookEvent["kind"], reason: string | undefined) {
  if (kind === "accepted") return { event: "processed" };
  if (kind === "delivered") return { event: "delivered", response: "250 OK", tls: 1 };
  if (reason !== undefined && ENGAGEMENT.includes(reason)) return { event: reason };
  if (reason === "dropped") return { event: "dropped", reason: "Bounced Address" };
  const type = reason === "blocked" ? "blocked" : "bounce";
  return { event: "bounce", type, status: "5.1.1", reason: "550 5.1.1 The email account that you tried to reach does not exist." };
}
