import { APNS_COLLAPSE_ID_BYTES_MAX } from "../../core/content/limits.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { sha256Hex } from "../../runtime/hash.ts";

/** Text of printable ASCII, at most 64 bytes: what the tightest taker, apns-collapse-id, allows in a header. */
const FITS = new RegExp(`^[\\x21-\\x7e]{1,${APNS_COLLAPSE_ID_BYTES_MAX}}$`);

/**
 * What a device tells pushes apart by: a later one replaces the shown or waiting one with the same mark. The caller's collapse key where there
 * is one, within its own app, so that no caller replaces another's; else the delivery, so that a repeated attempt replaces its twin and
 * nothing else. Neither can be taken for the other: a delivery id has no slash.
 */
export function replacementMark({ app, collapseKey, deliveryId }: Pick<OutboundDelivery, "app" | "collapseKey" | "deliveryId">): string {
  const mark = collapseKey ? `${encodeURIComponent(app)}/${collapseKey}` : deliveryId;
  return FITS.test(mark) ? mark : sha256Hex(mark);
}
