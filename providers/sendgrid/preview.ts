import { mailRequest, previewedSenders } from "../email-preview.ts";
import { MASKED, type RequestPreviewer } from "../request-preview.ts";
import { sendgridVariables } from "./config.ts";
import { buildSendgridMail } from "./payload.ts";

export const sendgridPreview: RequestPreviewer = {
  provider: "sendgrid",
  channel: "email",
  build(delivery) {
    const mail = buildSendgridMail(delivery, previewedSenders(delivery));
    if (typeof mail === "string") return mail;
    const url = `${sendgridVariables.SENDGRID_ORIGIN.default}/v3/mail/send`;
    return mailRequest(delivery, url, { authorization: `Bearer ${MASKED}` }, mail);
  },
};
