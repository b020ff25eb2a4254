import { type ProtectedPath, protectedPaths } from "./overrides.ts";

/**
 * What no override reaches, by provider: recipients, sender, our marks, suppression and unsubscribing, when it is sent, and templates, whose content nobody
 * checked. Headers have a field of their own, with rules.
 */
export const EMAIL_PROTECTED: Readonly<Record<"sendgrid" | "mandrill", readonly ProtectedPath[]>> = {
  sendgrid: protectedPaths(
    ...["personalizations", "from", "reply_to", "reply_to_list", "headers", "custom_args.carillon_*"],
    ...["asm", "tracking_settings.subscription_tracking", "mail_settings.bypass_*", "mail_settings.bcc", "mail_settings.sandbox_mode"],
    ...["mail_settings.forward_*", "send_at", "batch_id", "template_id", "sections", "substitutions"],
  ),
  mandrill: protectedPaths(
    ...["key", "async", "send_at", "template_name", "template_content", "message.to", "message.from_email", "message.from_name"],
    ...["message.headers", "message.metadata.carillon_*", "message.recipient_metadata", "message.bcc_address"],
    ...["message.preserve_recipients", "message.merge*", "message.global_merge_vars"],
  ),
};
