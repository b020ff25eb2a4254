import { formRequest, MASKED, ofAccount, type RequestPreviewer } from "../request-preview.ts";
import { previewedSender } from "../sms-preview.ts";
import { twilioVariables } from "./config.ts";
import { buildTwilioMessage, twilioLacks } from "./payload.ts";

export const twilioPreview: RequestPreviewer = {
  provider: "twilio",
  channel: "sms",
  lacks: ({ content }) => content.sms && twilioLacks(content.sms),
  build(delivery, now) {
    const from = previewedSender("TWILIO", delivery.content.sms);
    const message = buildTwilioMessage(delivery, { from, statusCallback: undefined }, now);
    if (message === undefined) return "content-missing";
    const path = `/2010-04-01/Accounts/${ofAccount("TWILIO_ACCOUNT_SID")}/Messages.json`;
    const fields = { ...message, StatusCallback: ofAccount("TWILIO_STATUS_CALLBACK_URL") };
    return formRequest(twilioVariables.TWILIO_ORIGIN.default + path, { authorization: `Basic ${MASKED}` }, fields);
  },
};
