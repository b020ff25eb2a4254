import { listOf } from "../content/json.ts";
import { CHANNELS, type Channel } from "../delivery/channel.ts";

/** What a link to the page where people choose says. It stands in the link's token sealed. */
export interface PageClaim {
  app: string;
  /** Whose choices the page shows: userSubject(), or endpointSubject() where the link came by a mail to an address. */
  subject: string;
  /** Of an endpoint: its channel, the only one that the page shows. */
  channel?: Channel | undefined;
  /** Of the mail that had the link, as evidence of changes; absent: the app asked for the link. */
  notificationId?: string | undefined;
  /** ms since the epoch, to the second. */
  issuedAt: number;
}

/** As JSON of a list, which is short. */
export const pageClaimText = ({ app, subject, channel, notificationId = "", issuedAt }: PageClaim): string =>
  JSON.stringify([app, subject, channel ?? "", notificationId, Math.floor(issuedAt / 1_000)]);

/** Undefined where the text is not one that pageClaimText() makes. */
export function pageClaimOf(text: string): PageClaim | undefined {
  const values = listOf(text, 5);
  if (values === undefined) return undefined;
  const [app, subject, channelName, notificationId, issued] = values;
  const channel = CHANNELS.find((known) => known === channelName);
  if (typeof app !== "string" || app === "" || typeof subject !== "string" || subject === "") return undefined;
  if ((channel === undefined && channelName !== "") || typeof notificationId !== "string") return undefined;
  if (typeof issued !== "number" || !Number.isSafeInteger(issued)) return undefined;
  return { app, subject, channel, notificationId: notificationId || undefined, issuedAt: issued * 1_000 };
}
