import type { NotificationClass } from "../delivery/channel.ts";

/**
 * Why an endpoint is not sent to, whatever its users chose:
 * - stop: the person answered STOP to a text, or the provider says so;
 * - complaint: the person reported a mail as spam;
 * - bounce: the address does not exist;
 * - manual: an operator or an imported list says so.
 */
export const BLOCK_KINDS = ["stop", "complaint", "bounce", "manual"] as const;
export type BlockKind = (typeof BLOCK_KINDS)[number];

export interface Block {
  kind: BlockKind;
  /** Of a stop: the senders (core/apps) that it holds for; absent: every sender of the app. */
  pool?: string | undefined;
  /** Absent: every class. */
  classes?: NotificationClass[] | undefined;
  /** The provider's own words or code, or an operator's; at most REASON_MAX characters. */
  reason: string;
  /** Where it came from, for example a provider's name. */
  source: string;
  /** ms since the epoch. */
  at: number;
}

export const REASON_MAX = 256;

/** A complaint is about what nobody had to be sent; a password reset still arrives. */
export const COMPLAINT_CLASSES: NotificationClass[] = ["marketing", "transactional"];

/** One of each of these is kept: a later one of the same kind, pool and classes takes its place. */
export const isSameBlock = (a: Block, b: Block) => blockKey(a) === blockKey(b);

/** Equal for the same blocks. */
export const blockKey = ({ kind, pool, classes = [] }: Block): string => JSON.stringify([kind, pool ?? null, classes.join()]);

/** @param pool of the sender; undefined: its default */
export const blocks = (block: Block, notificationClass: NotificationClass, pool: string | undefined) =>
  (block.classes?.includes(notificationClass) ?? true) && (block.pool === undefined || block.pool === (pool ?? ""));
