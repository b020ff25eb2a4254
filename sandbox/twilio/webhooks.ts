import { createHmac } from "node:crypto";
import { fieldsOf, textOf } from "../kit/read.ts";
import { bodyOf, FORM, formText, type WebhookEvent, type WebhookWriter } from "../kit/webhook-write.ts";
import type { TwilioAccount } from "./simulator.ts";

const STATUS = { accepted: "sent", delivered: "delivered", undelivered: "undelivered" } as const;
const UNREACHABLE = "30003";

/** Status callbacks (Twilio: "Track outbound message status"), to the address that the message named, where that is of the target's origin. */
export function createTwilioWriter(accounts: () => readonly TwilioAccount[]): WebhookWriter {
  return {
    eventsMax: 1,
    refsIn: (answer) => [textOf(fieldsOf(bodyOf(answer)).sid)],
    isWanted({ payload }, target) {
      const callback = callbackOf(payload);
      return URL.canParse(callback) && new URL(callback).origin === new URL(target).origin;
    },
    write([event]: readonly [WebhookEvent]) {
      const { To, From } = fieldsOf(event.sent.payload);
      // What was accepted is of a known account.
      const { accountSid, authToken } = accounts().find((account) => account.accountSid === event.sent.account) ?? accounts()[0]!;
      const form: Record<string, string> = {
        SmsSid: event.ref,
        SmsStatus: STATUS[event.kind],
        MessageStatus: STATUS[event.kind],
        To: textOf(To),
        MessageSid: event.ref,
        AccountSid: accountSid,
        From: textOf(From),
        ApiVersion: "2010-04-01",
        ...(event.kind === "undelivered" ? { ErrorCode: event.reason ?? UNREACHABLE } : {}),
      };
      const url = callbackOf(event.sent.payload);
      const headers = {
        "content-type": FORM,
        "x-twilio-signature": createHmac("sha1", authToken)
          .update(`${url}${formText(form)}`)
          .digest("base64"),
        "i-twilio-idempotency-token": event.eventId,
      };
      return { url, headers, body: new URLSearchParams(form).toString() };
    },
  };
}

const callbackOf = (payload: unknown) => textOf(fieldsOf(payload).StatusCallback);
