const NAMES = { apns: "APNs", fcm: "FCM", webpush: "Web Push", sms: "SMS", email: "E-mail" };

/** As people call the channels: on the pages, and in the sentences of the API. */
export const CHANNEL_NAMES: Readonly<Record<string, string> & typeof NAMES> = NAMES;
