import type { Endpoint } from "../delivery/endpoint.ts";
import type { NotificationRecord } from "../delivery/notification.ts";

/** Deliveries that one unit of cost pays for: more endpoints than most people have. */
export const DELIVERIES_PER_UNIT = 10;
/** Bytes of the stored notification that one unit pays for: twice what a notification with a full push content and ten endpoints takes. */
export const BYTES_PER_UNIT = 16_384;

/**
 * What a notification costs, in units. Most cost one; one to a hundred endpoints with tokens of 4 kB costs 26.
 * @param deliveries or the people whose opt-outs were asked for, where they are more
 */
export const costOf = (deliveries: number, bytes: number): number =>
  Math.max(1, Math.ceil(deliveries / DELIVERIES_PER_UNIT), Math.ceil(bytes / BYTES_PER_UNIT));

/** What a record takes in the store, in bytes of JSON; BSON takes about as much. */
export const recordBytes = (record: NotificationRecord): number => Buffer.byteLength(JSON.stringify(record));

/** What the deliveries to these endpoints will take in the record, in bytes: the endpoint, and the state of its delivery. */
export const endpointsBytes = (targets: readonly { endpoint?: Endpoint }[]): number => {
  let bytes = 0;
  for (const { endpoint } of targets) {
    bytes += DELIVERY_BYTES;
    if (endpoint) for (const text of Object.values(endpoint)) bytes += text.length;
  }
  return bytes;
};
/** A delivery without its endpoint, as it is accepted. */
const DELIVERY_BYTES = 300;
