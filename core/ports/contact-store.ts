import type { Channel } from "../delivery/channel.ts";
import { isPush } from "../delivery/channel.ts";
import type { Endpoint } from "../delivery/endpoint.ts";

export interface ContactRecord {
  app: string;
  userId: string;
  /** 32 hex digits: a hash of the endpoint's key. */
  endpointId: string;
  endpoint: Endpoint;
  /** ms since the epoch; renewed by registering again. */
  registeredAt: number;
  /** When a provider said of an attempt made since that the endpoint was gone before; ms since the epoch. Registering again clears it. */
  goneReportedAt?: number | undefined;
  /** When the device was last in use, in ms since the epoch; absent: as it was registered. */
  lastSeenAt?: number | undefined;
  /** BCP 47. */
  locale?: string | undefined;
  /** For people. */
  deviceLabel?: string | undefined;
}

/** A provider's answer that an endpoint is gone. Times are ms since the epoch. */
export interface GoneReport {
  /** Since when, as the provider says; where it says nothing: `startedAt`. */
  goneAt: number;
  /** When the attempt began that was answered so, and when its answer came. */
  startedAt: number;
  answeredAt: number;
}

/** A device and a browser are one person's at a time; a mailbox and a phone number may be shared by a family or a team. */
export const hasOneUser = (channel: Channel) => isPush(channel);

export interface ContactStore {
  /**
   * Inserts or renews. An endpoint that can have one user only (hasOneUser) is taken from the user who had it; any other one is added to this
   * user's and stays with those who have it. Resolves with the registration that it replaced, as it was.
   */
  register(contact: ContactRecord): Promise<ContactRecord | undefined>;
  /** Resolves with whether it was removed. @param registeredUntil ms since the epoch: a contact that was registered, or renewed, later stays */
  remove(app: string, userId: string, endpointId: string, registeredUntil?: number): Promise<boolean>;
  /**
   * Removes an endpoint that its provider reported as gone, for all its users. One that was registered after `goneAt` stays at the first such report,
   * because its registration may be right; the report is kept, and the next one of an attempt that began after it removes the endpoint.
   */
  removeGone(app: string, endpointId: string, report: GoneReport): Promise<boolean>;
  /** The contacts of these users, in any order. */
  list(app: string, userIds: readonly string[]): Promise<ContactRecord[]>;
  /** All of an app, in no order. */
  all(app: string): AsyncIterable<ContactRecord>;
  /** The contacts of all users who have one of these endpoints, in any order. */
  find(endpoints: readonly { app: string; endpointId: string }[]): Promise<ContactRecord[]>;
}
