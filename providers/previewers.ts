import type { Channel } from "../core/delivery/channel.ts";
import { apnsPreview } from "./apns/preview.ts";
import { fcmPreview } from "./fcm/preview.ts";
import { mandrillPreview } from "./mandrill/preview.ts";
import type { RequestPreviewer } from "./request-preview.ts";
import { sendgridPreview } from "./sendgrid/preview.ts";
import { smtpPreview } from "./smtp/preview.ts";
import { twilioPreview } from "./twilio/preview.ts";
import { vonagePreview } from "./vonage/preview.ts";
import { webPushPreview } from "./webpush/preview.ts";

/** As in list.ts, and in its order: without accounts, connections and SDKs. */
export const PREVIEWERS: readonly RequestPreviewer[] = [
  ...[apnsPreview, fcmPreview, webPushPreview, twilioPreview, vonagePreview],
  ...[sendgridPreview, mandrillPreview, smtpPreview],
];

/** Of every provider that serves the channel. */
export const previewersOf = (channel: Channel): readonly RequestPreviewer[] => PREVIEWERS.filter((p) => p.channel === channel);
