import type { Outcome } from "../core/delivery/outcome.ts";
import type { OutboundDelivery } from "../core/ports/provider.ts";
import { rejected } from "./answer-table.ts";
import { type EmailSenders, senderOf } from "./email-config.ts";

/**
 * What a caller chose, and not the operator, must not stop other mails: where the provider rejects a sender that the content names, or a mail with an
 * override, this mail is rejected, which would be misconfigured otherwise and open a circuit.
 * @param ofAccount reasons that are never about one mail, as credentials
 */
export function blameContent(
  outcome: Outcome,
  { content: { email } }: OutboundDelivery,
  s: { senders: EmailSenders; provider?: "sendgrid" | "mandrill"; ofAccount?: ReadonlySet<string> },
): Outcome {
  if (outcome.kind !== "misconfigured" || email === undefined) return outcome;
  const isOwnSender = senderOf(s.senders, email.from)?.address !== senderOf(s.senders, undefined)?.address;
  if (isOwnSender && outcome.scope === "sender") return rejected(`${outcome.reason}: content.email.from`);
  const isOverridden = s.provider !== undefined && email.overrides?.[s.provider] !== undefined;
  return isOverridden && !s.ofAccount?.has(outcome.reason) ? rejected(`${outcome.reason}: perhaps content.email.overrides`) : outcome;
}
