import type { Receipt } from "../../core/delivery/receipt.ts";
import type { EventTable } from "./webhook.ts";

/** Values of the provider's bounce variables, for one account. */
export type BounceSettings = Readonly<Record<string, unknown>>;

/** A mail that reports on a mail that was sent, as it came to the attempt's return path. */
export interface BounceArrival {
  /** As the return path names it. */
  attemptId: string;
  /** Of the envelope; empty: the null sender. */
  sender: string;
  message: Uint8Array;
  /** ms since the epoch. */
  receivedAt: number;
}

/** One provider's reports by mail. */
export interface BounceReader {
  provider: string;
  /** What each of the actions that are reported becomes. */
  events: EventTable;
  /** The attempt to which a return path belongs under the account's keys; undefined: it is forged, too old, or another address. */
  attemptOf(address: string, settings: BounceSettings, now: number): string | undefined;
  /** At most one receipt. Never rejects. */
  read(arrival: BounceArrival): Promise<Receipt | undefined>;
}
