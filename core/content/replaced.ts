import type { Channel } from "../delivery/channel.ts";
import type { Content } from "./content.ts";
import { APNS_COLLAPSE_ID_BYTES_MAX, FCM_PAYLOAD_BYTES_MAX } from "./limits.ts";
import { pushPayloadBytes } from "./push.ts";
import { pushKind } from "./push-content.ts";

/** The longest tag that a push carries, with its key. */
const TAG_BYTES_MAX = "tag".length + APNS_COLLAPSE_ID_BYTES_MAX;

/**
 * Whether a second copy of this content replaces the first one on the device, so that the person sees one notification. Apple's systems do that for
 * every shown push with our collapse id, Android for one with our tag, and a service worker with the delivery's id as its tag (providers/webpush).
 * Nothing replaces what an app handles in silence, a text or a mail.
 */
export function isReplacedOnDevice(channel: Channel, { push }: Content): boolean {
  if (push === undefined || pushKind(push) !== "shown") return false;
  switch (channel) {
    case "apns":
    case "webpush":
      return true;
    case "fcm":
      return pushPayloadBytes("fcm", push) + TAG_BYTES_MAX <= FCM_PAYLOAD_BYTES_MAX;
    default:
      return false;
  }
}
