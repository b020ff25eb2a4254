import { jsonRequest, MASKED, type RequestPreviewer } from "../request-preview.ts";
import { previewedSender } from "../sms-preview.ts";
import { vonageVariables } from "./config.ts";
import { buildVonageMessage, vonageLacks } from "./payload.ts";

export const vonagePreview: RequestPreviewer = {
  provider: "vonage",
  channel: "sms",
  lacks: ({ content }) => content.sms && vonageLacks(content.sms),
  build(delivery, now) {
    const from = previewedSender("VONAGE", delivery.content.sms);
    const message = buildVonageMessage(delivery, { from }, now);
    const url = `${vonageVariables.VONAGE_ORIGIN.default}/sms/json`;
    return message === undefined ? "content-missing" : jsonRequest(url, { authorization: `Basic ${MASKED}` }, message);
  },
};
