import type { NotificationClass } from "../delivery/channel.ts";
import type { Category } from "../preferences/category.ts";
import type { ContentFault } from "./codec.ts";
import type { EmailContent } from "./email-content.ts";

/**
 * Where html or text has it, the recipient's own link to unsubscribe takes its place; a mail without it is given a line at the end of its body. A URL, so that editors,
 * templates and sanitizers leave it alone; names under .invalid do not exist (RFC 2606).
 */
export const UNSUBSCRIBE_MARKER = "https://carillon.invalid/unsubscribe";

const hasMarker = ({ html, text }: EmailContent): boolean => html.includes(UNSUBSCRIBE_MARKER) || text.includes(UNSUBSCRIBE_MARKER);

/** What decides whether a mail offers to unsubscribe. */
export interface UnsubscribeAsked {
  notificationClass: NotificationClass;
  category: string;
  /** As the app has put it; undefined: it was not. */
  settings: Pick<Category, "default" | "unsubscribeTransactional"> | undefined;
}

/**
 * Whether a mail has a link to unsubscribe by one click: each marketing mail, no critical one, and a transactional one where it asks for it, in words or by the marker,
 * or its category does; not where nobody can refuse the category. The recipient's tenant is not known here: where it alone requires the category, the link is
 * obeyed for marketing, and transactional mails still come.
 */
export function offersUnsubscribe(email: EmailContent, { notificationClass, settings }: UnsubscribeAsked): boolean {
  if (notificationClass !== "transactional") return notificationClass === "marketing";
  if (email.unsubscribe === "none" || settings?.default === "required") return false;
  return email.unsubscribe === "one-click" || hasMarker(email) || settings?.unsubscribeTransactional === true;
}

/** Whether offersUnsubscribe() depends on the category. */
export const asksCategory = (email: EmailContent | undefined, notificationClass: NotificationClass): boolean =>
  notificationClass === "transactional" && email !== undefined && email.unsubscribe !== "none";

const MODE_FIELD = "content.email.unsubscribe";

/** What a mail may not ask for in its class and category. */
export function unsubscribeFaults(email: EmailContent | undefined, asked: UnsubscribeAsked): ContentFault[] {
  if (email === undefined) return [];
  const { notificationClass, category, settings } = asked;
  const isRequired = settings?.default === "required";
  const faults: ContentFault[] = [];
  const fault = (field: string, rule: string, message: string) => faults.push({ field, rule, message });
  if (notificationClass === "marketing" && isRequired)
    fault("category", "category.required", `${category} is required: nobody can refuse it, so it must not be of class marketing`);
  if (notificationClass === "marketing" && email.unsubscribe === "none")
    fault(MODE_FIELD, "unsubscribe.marketing", "must not be NONE: a mail of class marketing always offers to unsubscribe");
  if (notificationClass === "critical" && email.unsubscribe === "one-click")
    fault(MODE_FIELD, "unsubscribe.critical", "must not be ONE_CLICK: a mail of class critical never offers to unsubscribe");
  if (notificationClass === "transactional" && email.unsubscribe === "one-click" && isRequired)
    fault(MODE_FIELD, "unsubscribe.required", `must not be ONE_CLICK: ${category} is required, and nobody can refuse it`);
  if (hasMarker(email) && faults.length === 0 && !offersUnsubscribe(email, asked)) {
    const part = email.html.includes(UNSUBSCRIBE_MARKER) ? "html" : "text";
    fault(`content.email.${part}`, "unsubscribe.marker", `has ${UNSUBSCRIBE_MARKER}, but ${whyNot(asked)} offers no way to unsubscribe`);
  }
  return faults;
}

function whyNot({ notificationClass, settings }: UnsubscribeAsked): string {
  if (notificationClass === "critical") return "a mail of class critical";
  return settings?.default === "required" ? "a mail of a required category" : "a mail with unsubscribe NONE";
}

/** RFC 2919, section 3: at most so many characters. */
const LIST_ID_CHARS_MAX = 255;

/** The list that a category of an app is to mail programs: the same for all its mails from a domain. Without angle brackets. */
export function listIdOf(app: string, category: string, domain: string): string {
  // Its words are not empty; a category may have dots together or at its end.
  const words = [...category.split("."), app].filter((word) => word !== "");
  return [...words, domain].join(".").slice(-LIST_ID_CHARS_MAX).replace(/^\.+/, "");
}
