import { APNS_COLLAPSE_ID_BYTES_MAX, WEBPUSH_TOPIC_CHARS_MAX } from "../../core/content/limits.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { sha256Hex } from "../../runtime/hash.ts";

/** Printable ASCII of at most 64 bytes: what apns-collapse-id, the strictest of the fields, allows. */
const FITS = new RegExp(`^[\\x21-\\x7e]{1,${APNS_COLLAPSE_ID_BYTES_MAX}}$`);

/**
 * The mark of a push: on a device, a later push replaces the shown or waiting one with the same mark. It is the caller's collapse key, if there is
 * one, with the app before it, so that no app replaces another's push; else the delivery id, so that a repeated attempt replaces the first one and
 * nothing else. The two never collide: a delivery id has no slash.
 */
export function replacementMark({ app, collapseKey, deliveryId }: Pick<OutboundDelivery, "app" | "collapseKey" | "deliveryId">): string {
  const mark = collapseKey ? `${encodeURIComponent(app)}/${collapseKey}` : deliveryId;
  return FITS.test(mark) ? mark : sha256Hex(mark);
}

/** As RFC 8030 section 5.4 wants a topic: marks are longer, or hold a slash, so it is 128 bits of a hash, the same for the same mark. */
export const topicOf = (mark: string) => sha256Hex(mark).slice(0, WEBPUSH_TOPIC_CHARS_MAX);
