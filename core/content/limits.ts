import type { PushChannel } from "../delivery/channel.ts";

/** Bytes of the JSON body, alert pushes. Apple: Generating a remote notification ("4 KB (4096 bytes)"). */
export const APNS_PAYLOAD_BYTES_MAX = 4096;

/** Bytes of the payload of a VoIP push. Apple: Generating a remote notification ("5 KB (5120 bytes)"). */
export const APNS_VOIP_PAYLOAD_BYTES_MAX = 5120;

/** Bytes of keys and values of data and notification, to a token. Firebase: About FCM messages ("maximum payload … 4096 bytes"). */
export const FCM_PAYLOAD_BYTES_MAX = 4096;

/**
 * Bytes before encryption. A push service must take 4096 bytes of body (RFC 8030 section 7.2); aes128gcm adds 103 of them: a header of 86
 * with a 65-byte key id, the padding delimiter and the 16-byte tag (RFC 8188 section 2, RFC 8291 section 4).
 */
export const WEBPUSH_PLAINTEXT_BYTES_MAX = 4096 - 103;

export const PUSH_PAYLOAD_BYTES_MAX: Readonly<Record<PushChannel, number>> = {
  apns: APNS_PAYLOAD_BYTES_MAX,
  fcm: FCM_PAYLOAD_BYTES_MAX,
  webpush: WEBPUSH_PLAINTEXT_BYTES_MAX,
};

/** Bytes. Apple: Sending notification requests to APNs (apns-collapse-id). */
export const APNS_COLLAPSE_ID_BYTES_MAX = 64;
/** Characters of the base64url alphabet. RFC 8030 section 5.4. */
export const WEBPUSH_TOPIC_CHARS_MAX = 32;
/** Four weeks, in ms: the longest FCM stores a message (Firebase: Set the lifespan of a message), and within what Mozilla takes as TTL. */
export const PUSH_STORED_MS_MAX = 28 * 24 * 3_600_000;
