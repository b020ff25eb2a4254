import { mailRequest, previewedSenders } from "../email-preview.ts";
import { MASKED, type RequestPreviewer } from "../request-preview.ts";
import { mandrillVariables } from "./config.ts";
import { buildMandrillMail } from "./payload.ts";

export const mandrillPreview: RequestPreviewer = {
  provider: "mandrill",
  channel: "email",
  build(delivery) {
    const mail = buildMandrillMail(delivery, previewedSenders(delivery));
    if (typeof mail === "string") return mail;
    const url = `${mandrillVariables.MANDRILL_ORIGIN.default}/api/1.3/messages/send`;
    return mailRequest(delivery, url, {}, { key: MASKED, ...mail });
  },
};
