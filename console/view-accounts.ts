/** What the console's API answers about provider accounts. Moments are ms since the epoch. */
import type { Checked, CircuitNow, Steered } from "./view-now.ts";

export interface AccountNow {
  channel: string;
  provider: string;
  account: string;
  /** Calls of what was accepted lately; absent: there was none. */
  calls?: { made: number; accepted: number; lastAt: number } | undefined;
  /** Those that are not closed, the account's own first. */
  circuits: CircuitNow[];
  /** It, or all accounts of its provider. */
  steered?: Steered | undefined;
  /** Apps that are served by it because their settings name it. */
  apps: string[];
}

export interface Accounts {
  accounts: AccountNow[];
  /** There are more than these. */
  isCut: boolean;
  /** Only the settings of the first apps were read, by id: there are more. */
  areAppsCut: boolean;
  /** Providers of which nothing is known: no call, no circuit, no setting names them. */
  unseen: { channel: string; provider: string }[];
  /** By channel, those that can stand in for one another. */
  providers: { channel: string; provider: string }[];
  /** Whether the circuits could be read. */
  isCircuitsKnown: boolean;
  checked?: Checked | undefined;
  checkFault: string;
  now: number;
}
