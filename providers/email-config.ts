import type { Mailbox } from "../core/content/email-content.ts";
import { canonicalAddress, isAllowance, isAllowedBy } from "../core/delivery/email-address.ts";
import { listOf, text, type Values } from "../runtime/config.ts";

/** The senders that every e-mail provider uses. */
export const emailSenderVariables = {
  EMAIL_FROM: text({ default: "", reason: "sender's address; its domain must be verified with every provider listed" }),
  EMAIL_FROM_NAME: text({ default: "", reason: "sender's name as mail programs show it; empty: the address alone" }),
  EMAIL_FROM_ALLOWED: listOf(isAllowance, "addresses, or domains as @example.org", {
    default: "",
    reason: "senders besides EMAIL_FROM that a mail's `from` may name, each verified with every provider listed; empty: none",
  }),
};
export type EmailSenders = Values<typeof emailSenderVariables>;

/** Why a mail is not sent whose sender is not allowed. */
export const FROM_NOT_ALLOWED = "content.email.from is neither EMAIL_FROM nor in EMAIL_FROM_ALLOWED";

/** The mailbox that a mail is from; undefined where the account does not allow the one that it names. */
export function senderOf(senders: EmailSenders, from: Mailbox | undefined): Mailbox | undefined {
  const own = mailbox(senders.EMAIL_FROM, senders.EMAIL_FROM_NAME);
  if (from === undefined) return own;
  const isAllowed = isAllowedBy([senders.EMAIL_FROM, ...senders.EMAIL_FROM_ALLOWED], from.address);
  return isAllowed ? mailbox(from.address, from.name) : undefined;
}

const mailbox = (address: string, name = ""): Mailbox => ({ address: canonicalAddress(address), ...(name === "" ? {} : { name }) });
