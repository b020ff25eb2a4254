import { listOf } from "../content/json.ts";
import { CHANNELS, type Channel } from "../delivery/channel.ts";

/** What a link to unsubscribe says. It stands in the link's token sealed, because user ids may be names or addresses. */
export interface UnsubscribeClaim {
  app: string;
  /** Whose opt-out it records: userSubject() of the recipient, endpointSubject() where the mail went to an address. */
  subject: string;
  channel: Channel;
  category: string;
  /** Of the mail that had the link: the evidence of an opt-out. */
  notificationId: string;
  /** ms since the epoch. */
  issuedAt: number;
}

/** Refusing never expires, because mails are kept for years. Anything else that a link may do ends, because mails are forwarded. */
export const PAGE_LINK_DAYS = 30;
const PAGE_LINK_MS = PAGE_LINK_DAYS * 86_400_000;

/** When a link opens no page any more; ms since the epoch. */
export const pageEndsAt = (issuedAt: number): number => issuedAt + PAGE_LINK_MS;

/** Whether the link may do more than refuse: take back a refusal, show and change choices. */
export const opensPage = ({ issuedAt }: Pick<UnsubscribeClaim, "issuedAt">, now: number): boolean => now <= pageEndsAt(issuedAt);

/** As JSON of a list, which is short. */
export const claimText = ({ app, subject, channel, category, notificationId, issuedAt }: UnsubscribeClaim): string =>
  JSON.stringify([app, subject, channel, category, notificationId, Math.floor(issuedAt / 1_000)]);

/** Undefined where the text is not one that claimText() makes. */
export function claimOf(text: string): UnsubscribeClaim | undefined {
  const values = listOf(text, 6);
  if (values === undefined) return undefined;
  const [app, subject, channelName, category, notificationId, issued] = values;
  const channel = CHANNELS.find((known) => known === channelName);
  const isWhole = [app, subject, category, notificationId].every((value) => typeof value === "string" && value !== "");
  if (!isWhole || channel === undefined || typeof issued !== "number" || !Number.isSafeInteger(issued)) return undefined;
  return {
    ...{ app: app as string, subject: subject as string, channel, category: category as string },
    ...{ notificationId: notificationId as string, issuedAt: issued * 1_000 },
  };
}
