import type { Channel } from "../core/delivery/channel.ts";

/**
 * What one day of 16 million notifications consists of: 10 million pushes (45 % over APNs, 50 % over FCM, 5 % web pushes), 5 million e-mails and 1 million texts.
 * The length of the list is a multiple of that of the ratio, and the channels are spread evenly over it.
 */
const OF_160: Readonly<Record<Channel, number>> = { apns: 45, fcm: 50, webpush: 5, email: 50, sms: 10 };
const LENGTH = 160;
/** Prime to the length: neighbours in the list lie far apart in the order of sending. */
const STEP = 61;

const list: readonly Channel[] = (Object.keys(OF_160) as Channel[]).flatMap((channel) =>
  Array.from({ length: OF_160[channel] }, () => channel),
);

/** The channel of the n-th notification. */
export const channelOf = (n: number): Channel => list[(n * STEP) % LENGTH]!;

/** The channel of the n-th notification of a run in which every second one is sent in a batch: each half has the mix. */
export const mixedChannelOf = (n: number): Channel => channelOf(Math.floor(n / 2));
