import type { Receipt } from "../../core/delivery/receipt.ts";
import type { BounceReader, BounceSettings } from "../transport/bounce.ts";
import { readBounceMail } from "./bounce-mail.ts";
import type { RecipientStatus } from "./delivery-status.ts";
import { attemptOfReturnPath, type BounceKeys } from "./return-path.ts";

/** Where a bounce has no enhanced status code. */
const WITHOUT_CODE = "bounce";

/**
 * RFC 3463, section 3.2, and RFC 7505: the recipient's mailbox or host does not exist, or has moved without a new address. Others of 5.1 are about the
 * sender's address (5.1.7, 5.1.8), or may be (5.1.0).
 */
const NO_SUCH_ADDRESS: readonly string[] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"];

/** RFC 3464, section 2.3.3. What was relayed or expanded has left the reach of reports; a further one may still come. */
const SMTP_ACTIONS: Readonly<Record<RecipientStatus["action"], Receipt["kind"]>> = {
  failed: "undelivered",
  delayed: "accepted",
  delivered: "delivered",
  relayed: "accepted",
  expanded: "accepted",
};

/** Bounces to the attempts' return paths. */
export const smtpBounces: BounceReader = {
  provider: "smtp",
  events: SMTP_ACTIONS,
  attemptOf: (address, settings, now) => attemptOfReturnPath(address, keysOf(settings), now),
  async read({ attemptId, sender, message, receivedAt }) {
    const mail = await readBounceMail(message, sender);
    const receipt = { attemptId, provider: "smtp", at: receivedAt };
    if (mail.kind === "text") return { ...receipt, kind: "undelivered", reason: WITHOUT_CODE };
    if (mail.kind === "other") return mail.why === "delay" ? { ...receipt, kind: "accepted" } : undefined;
    const { action, status } = mostTelling(mail.recipients);
    const kind = SMTP_ACTIONS[action];
    if (kind !== "undelivered") return { ...receipt, kind };
    const undelivered: Receipt = { ...receipt, kind, reason: status ?? WITHOUT_CODE };
    return status !== undefined && NO_SUCH_ADDRESS.includes(status)
      ? { ...undelivered, learned: { kind: "bounce", reason: status } }
      : undelivered;
  },
};

/** A mail has one recipient; an alias may have made several of it, of which one that got it is enough. */
function mostTelling(recipients: readonly RecipientStatus[]): RecipientStatus {
  for (const kind of ["delivered", "undelivered"]) {
    const found = recipients.find(({ action }) => SMTP_ACTIONS[action] === kind);
    if (found !== undefined) return found;
  }
  return recipients[0] ?? { action: "delayed", status: undefined };
}

const keysOf = (settings: BounceSettings): BounceKeys => ({
  domain: String(settings.SMTP_BOUNCE_DOMAIN ?? ""),
  keys: (settings.SMTP_BOUNCE_KEY_FILE ?? []) as readonly string[],
});
