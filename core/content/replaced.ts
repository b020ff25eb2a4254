import type { Channel } from "../delivery/channel.ts";
import type { Content } from "./content.ts";
import { fcmMessage, isTagged } from "./fcm-message.ts";
import { fcmEnvelopeOf } from "./push.ts";
import { hasText, pushKind } from "./push-content.ts";

/**
 * Whether a second copy of this content replaces the first one on the device, so that the person sees one notification. Apple's systems do that for
 * every shown push with our collapse id, Android for one with our tag, and a service worker with the delivery's id as its tag (providers/webpush).
 * Nothing replaces what an app handles in silence, a text or a mail, and nobody knows what an override made of a push to Apple or a browser.
 */
export function isReplacedOnDevice(channel: Channel, { push }: Content): boolean {
  if (push === undefined) return false;
  // A Live Activity shows its newest content once: a copy has the same time. An alert would be heard again.
  if (pushKind(push) === "live-activity") return !hasText(push) && push.overrides?.apns === undefined;
  if (pushKind(push) !== "shown") return false;
  switch (channel) {
    case "apns":
      return push.overrides?.apns?.aps === undefined && push.overrides?.apnsHeaders === undefined;
    case "webpush":
      return push.overrides?.webpush === undefined;
    case "fcm":
      return push.overrides?.fcm?.apns === undefined && isTagged(fcmMessage(push, fcmEnvelopeOf()).message);
    default:
      return false;
  }
}
