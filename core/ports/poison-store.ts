import type { Channel, NotificationClass } from "../delivery/channel.ts";

/** A message of the queue that no dispatcher could handle, with its original bytes. */
export interface PoisonRecord {
  /** The message's id: delivery id, "/", attempt, ".", publication; where it has none, stream and sequence. */
  id: string;
  channel: Channel;
  notificationClass: NotificationClass;
  reason: string;
  /** At most the message limit of the queue: 1 MiB. */
  bytes: Uint8Array;
  /** ms since the epoch. */
  keptAt: number;
}

/** Quarantined messages. */
export interface PoisonStore {
  /** The first record of an id stays. */
  keep(record: PoisonRecord): Promise<void>;
  /** The newest first, up to `limit`. */
  list(limit: number): Promise<PoisonRecord[]>;
  /** Removes up to `limit` that were kept before this moment (ms since the epoch); resolves with how many. */
  purge(before: number, limit: number): Promise<number>;
}
