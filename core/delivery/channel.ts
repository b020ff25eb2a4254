/** The ways to reach a person. Each is its own queue and its own deployment. */
export const CHANNELS = ["apns", "fcm", "webpush", "sms", "email"] as const;
export type Channel = (typeof CHANNELS)[number];

/** Decides the queue, and what happens while preferences cannot be read or an outcome is unknown. */
export const CLASSES = ["critical", "transactional", "marketing"] as const;
export type NotificationClass = (typeof CLASSES)[number];

export const PRIORITIES = ["low", "normal", "high"] as const;
export type Priority = (typeof PRIORITIES)[number];

export type PushChannel = "apns" | "fcm" | "webpush";
export const isPush = (channel: Channel): channel is PushChannel => channel === "apns" || channel === "fcm" || channel === "webpush";

/** The kinds of content, each with its module in core/content/. */
export const CONTENT_PARTS = ["push", "sms", "email"] as const;
export type ContentPart = (typeof CONTENT_PARTS)[number];

/** Which part of a notification's content a channel carries. */
export const contentPart = (channel: Channel): ContentPart => (isPush(channel) ? "push" : channel);
