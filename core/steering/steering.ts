import { accountNameOf } from "../delivery/account.ts";
import type { Channel, NotificationClass } from "../delivery/channel.ts";
import { beforeExpiry } from "../delivery/decide.ts";
import { type Reason, reason } from "../delivery/reason.ts";
import { type Target, targetKey } from "./target.ts";

/** How many targets have a record at the same time, at most: each process that sends reads all of them every STEERING_READ_MS. */
export const STEERING_MAX = 100;
/** How old a process's reading may be when a task is admitted, and when its provider call begins, in ms. The latter and the longest read fit STEERING_BOUND_MS. */
export const STEERING_READ_MS = 2_000;
export const STEERING_FRESH_MS = 4_000;
/** A pause is obeyed within this, in ms, also while Redis and NATS are away. */
export const STEERING_BOUND_MS = 5_000;
/** What is paused is looked at again after this, in ms, and half as long again at most: a million deliveries cost a thousand writes a second. */
const PAUSED_MS = 900_000;

/** What an operator did to a target, as it stands. */
export interface SteeringRecord {
  target: Target;
  /**
   * `paused`: nothing is sent. `drained`, of accounts only: the channel's other providers send it. `resumed`: it is sent again, and what waits is made due; the
   * record goes once that is done.
   */
  state: "paused" | "drained" | "resumed";
  /** Of a drained account: the provider that comes first instead. */
  to?: string | undefined;
  actor: string;
  /** The operator's words. */
  reason: string;
  /** ms since the epoch, by the store's clock. */
  at: number;
  /** Ends by itself then; ms since the epoch. */
  until?: number | undefined;
}

export type Steering = readonly SteeringRecord[];

/** What is known of a delivery before its provider is chosen. */
export interface SteeredFacts {
  app: string;
  channel: Channel;
  notificationClass: NotificationClass;
}

export const isOver = ({ state, until }: SteeringRecord, now: number): boolean =>
  state === "resumed" || (until !== undefined && until <= now);

/** The pause that keeps a delivery from being sent, whoever would send it. What is critical is no exception. Pure. */
export function pauseOf({ app, channel, notificationClass }: SteeredFacts, steering: Steering, now: number): Target | undefined {
  if (steering.length === 0) return undefined;
  const own: Readonly<Record<Target["kind"], string | undefined>> = { app, channel, class: notificationClass, account: undefined };
  return steering.find((record) => record.state === "paused" && own[record.target.kind] === record.target.value && !isOver(record, now))
    ?.target;
}

export type AccountState = "open" | "paused" | "drained";
export interface AccountSteering {
  state: AccountState;
  /** What is paused or drained, where it is. */
  target: Target | undefined;
  /** SteeringRecord.to */
  to?: string | undefined;
}

/** What operators say about an account of a provider. A pause counts more than a drain. Pure. */
export function accountStateOf(provider: { name: string; account?: string | undefined }, steering: Steering, now: number): AccountSteering {
  if (steering.length === 0) return OPEN;
  const named = `${provider.name}/${accountNameOf(provider)}`;
  const own = steering.filter(
    (record) =>
      record.target.kind === "account" && (record.target.value === provider.name || record.target.value === named) && !isOver(record, now),
  );
  const found = own.find(({ state }) => state === "paused") ?? own[0];
  return found ? { state: found.state as AccountState, target: found.target, to: found.to } : OPEN;
}

const OPEN: AccountSteering = { state: "open", target: undefined };

export const pausedReason = (target: Target): Reason => reason("paused", targetKey(target));

/** Until when a paused delivery waits in the store: never beyond its expiry, which alone ends it. @param random in [0, 1) */
export function pausedUntil({ expiresAt }: { expiresAt: number }, now: number, random: number): number {
  return Math.min(Math.round(beforeExpiry({ now, expiresAt, random }, PAUSED_MS * (1 + random / 2))), expiresAt);
}
