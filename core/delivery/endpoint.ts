/** One place a person can be reached. */
export type Endpoint =
  | { channel: "apns"; token: string } // hexadecimal device token
  | { channel: "fcm"; token: string } // registration token
  | { channel: "webpush"; pushUrl: string; p256dh: string; auth: string } // keys in base64url, as browsers give them
  | { channel: "sms"; phoneNumber: string } // E.164 with the plus
  | { channel: "email"; address: string };

/** The text that identifies the endpoint, the same however it was spelled. Secret: hash it before it leaves the process. */
export function endpointKey(endpoint: Endpoint): string {
  switch (endpoint.channel) {
    case "apns":
      return `apns:${endpoint.token.toLowerCase()}`;
    case "fcm":
      return `fcm:${endpoint.token}`;
    case "webpush":
      return `webpush:${endpoint.pushUrl}`;
    case "sms":
      return `sms:${endpoint.phoneNumber}`;
    case "email":
      return `email:${endpoint.address.toLowerCase()}`;
  }
}

/** Enough to recognise an endpoint in a log, not enough to use it. */
export function maskEndpoint(endpoint: Endpoint): string {
  switch (endpoint.channel) {
    case "apns":
    case "fcm":
      return `…${endpoint.token.slice(-4)}`;
    case "webpush":
      return `${new URL(endpoint.pushUrl).host}/…${endpoint.pushUrl.slice(-4)}`;
    case "sms":
      return `${endpoint.phoneNumber.slice(0, 3)}…${endpoint.phoneNumber.slice(-2)}`;
    case "email":
      return `${endpoint.address.slice(0, 1)}…@${endpoint.address.split("@").at(-1)}`;
  }
}
