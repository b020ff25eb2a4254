import type { ContentFault } from "./codec.ts";
import type { JsonObject } from "./json.ts";
import { OURS, type ProtectedPath, pathsOf, protectedFaults, type RefusalReasons, reasonsIn } from "./overrides.ts";

const RECIPIENT = "use recipient, content.email.cc and content.email.bcc";
const BCC = "use content.email.bcc";
const FROM = "use content.email.from";
const REPLY_TO = "use content.email.reply_to";
const HEADERS = "use content.email.headers";
const SEND_AT = "use Notification.send_at";
const TEMPLATE = "templates are not supported; use content.email.subject, html and text";
const SUPPRESSION = "Carillon keeps the opt-outs; for a link to unsubscribe use content.email.unsubscribe";

/**
 * What no override reaches, by provider, and what to use instead: recipients, sender, our marks, suppression and unsubscribing, when it is sent, and
 * templates, whose content nobody checked. Headers have a field of their own, with rules.
 */
const EMAIL_REFUSED: Readonly<Record<"sendgrid" | "mandrill", RefusalReasons>> = {
  sendgrid: {
    ...{ personalizations: `${RECIPIENT}; for headers content.email.headers`, from: FROM, reply_to: REPLY_TO, reply_to_list: REPLY_TO },
    ...{ headers: HEADERS, "custom_args.carillon_*": OURS, asm: SUPPRESSION, "tracking_settings.subscription_tracking": SUPPRESSION },
    ...{
      "mail_settings.bypass_*": SUPPRESSION,
      "mail_settings.bcc": BCC,
      "mail_settings.sandbox_mode": "to check without sending use validate_only",
    },
    ...{ "mail_settings.forward_*": BCC, send_at: SEND_AT, batch_id: SEND_AT },
    ...{ template_id: TEMPLATE, sections: TEMPLATE, substitutions: TEMPLATE },
  },
  mandrill: {
    ...{ key: "the account has it", async: OURS, send_at: SEND_AT, template_name: TEMPLATE, template_content: TEMPLATE },
    ...{ "message.to": RECIPIENT, "message.from_email": FROM, "message.from_name": FROM, "message.headers": HEADERS },
    ...{ "message.metadata.carillon_*": OURS, "message.recipient_metadata": "use overrides.mandrill.message.metadata" },
    ...{
      "message.bcc_address": BCC,
      "message.preserve_recipients": OURS,
      "message.merge*": TEMPLATE,
      "message.global_merge_vars": TEMPLATE,
    },
  },
};

export const EMAIL_PROTECTED: Readonly<Record<"sendgrid" | "mandrill", readonly ProtectedPath[]>> = {
  sendgrid: pathsOf(EMAIL_REFUSED.sendgrid),
  mandrill: pathsOf(EMAIL_REFUSED.mandrill),
};

export const emailOverrideFaults = (provider: "sendgrid" | "mandrill", override: JsonObject | undefined): ContentFault[] =>
  protectedFaults(`content.email.overrides.${provider}`, override, EMAIL_PROTECTED[provider], reasonsIn(EMAIL_REFUSED[provider]));
