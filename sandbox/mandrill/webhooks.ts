import { createHmac } from "node:crypto";
import { fieldsOf, listOf, textOf } from "../kit/read.ts";
import { bodyOf, FORM, formText, type WebhookEvent, type WebhookWriter } from "../kit/webhook-write.ts";
import type { MandrillAccount } from "./simulator.ts";

/** Mailchimp Transactional: "A batch holds at most 1000 events". */
const EVENTS_MAX = 1_000;

/** Message events (Mailchimp Transactional: "Track and respond to activity with webhooks"). */
export function createMandrillWriter({ webhookKey }: MandrillAccount): WebhookWriter {
  return {
    eventsMax: EVENTS_MAX,
    refsIn: (answer) => listOf(bodyOf(answer)).map((one) => textOf(fieldsOf(one)._id)),
    write(events, target) {
      const url = `${target}/mandrill`;
      const form = { mandrill_events: JSON.stringify(events.map(eventOf)) };
      const signature = createHmac("sha1", webhookKey)
        .update(`${url}${formText(form)}`)
        .digest("base64");
      return { url, headers: { "content-type": FORM, "x-mandrill-signature": signature }, body: new URLSearchParams(form).toString() };
    },
  };
}

/** Reasons are the names of events: hard_bounce, soft_bounce, reject, spam, unsub. */
function eventOf({ kind, reason, sent, ref, at }: WebhookEvent) {
  const ts = Math.floor(at / 1_000);
  const message = fieldsOf(fieldsOf(sent.payload).message);
  const event = kind === "accepted" ? "send" : kind === "delivered" ? "delivered" : (reason ?? "hard_bounce");
  const state = kind === "undelivered" ? (event === "reject" ? "rejected" : event.replace("_", "-").replace(/bounce$/, "bounced")) : "sent";
  const msg = {
    ...{ ts, _id: ref, state, subject: message.subject, email: sent.recipient, sender: message.from_email },
    ...(event === "hard_bounce" ? { diag: "smtp;550 5.1.1 The mailbox does not exist", bounce_description: "bad_mailbox" } : {}),
    ...{ tags: listOf(message.tags), metadata: fieldsOf(message.metadata), opens: [], clicks: [], smtp_events: [], subaccount: null },
  };
  return { event, _id: ref, ts, msg };
}
