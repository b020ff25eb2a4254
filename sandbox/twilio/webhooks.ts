import { createHmac } from "node:crypto";
import { fieldsOf, textOf } from "../kit/read.ts";
import { bodyOf, FORM, formText, type SignedPost, type WebhookEvent, type WebhookWriter } from "../kit/webhook-write.ts";
import type { TwilioOptOuts } from "./opt-outs.ts";
import type { TwilioAccount } from "./simulator.ts";

const STATUS = { accepted: "sent", delivered: "delivered", undelivered: "undelivered" } as const;
const UNREACHABLE = "30003";

/** Status callbacks (Twilio: "Track outbound message status"), to the address that the message named, where that is of the target's origin. */
export function createTwilioWriter(accounts: () => readonly TwilioAccount[], optOuts: TwilioOptOuts): WebhookWriter {
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
      return signed(callbackOf(event.sent.payload), form, authToken, event.eventId);
    },
    /** "Messaging webhooks: incoming message". Twilio obeys some words by itself, and tells of them all the same. */
    writeText({ from, to, text, id, account, service, optOutType }, target) {
      const own = accounts().find(({ name }) => name === account);
      if (own === undefined) throw new RangeError("there is no such account");
      const sender = to ?? own.from;
      optOuts.hear(from, [sender, service], text);
      const form: Record<string, string> = {
        ...{ ToCountry: "US", ToState: "", SmsMessageSid: `SM${id}`, NumMedia: "0", ToCity: "", FromZip: "", SmsSid: `SM${id}` },
        ...{ FromState: "", SmsStatus: "received", FromCity: "", Body: text, FromCountry: "US", To: sender, ToZip: "", NumSegments: "1" },
        ...{ MessageSid: `SM${id}`, AccountSid: own.accountSid, From: from, ApiVersion: "2010-04-01" },
        ...(service === undefined ? {} : { MessagingServiceSid: service }),
        ...(optOutType === undefined ? {} : { OptOutType: optOutType }),
      };
      return [signed(`${target}/twilio${account === "" ? "" : `/${account}`}`, form, own.authToken, id)];
    },
  };
}

/** Twilio: "Webhooks security". */
function signed(url: string, form: Record<string, string>, authToken: string, eventId: string): SignedPost {
  const headers = {
    "content-type": FORM,
    "x-twilio-signature": createHmac("sha1", authToken)
      .update(`${url}${formText(form)}`)
      .digest("base64"),
    "i-twilio-idempotency-token": eventId,
  };
  return { url, headers, body: new URLSearchParams(form).toString() };
}

const callbackOf = (payload: unknown) => textOf(fieldsOf(payload).StatusCallback);
