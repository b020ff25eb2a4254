import { canonicalPushUrl } from "../content/push-host.ts";
import { canonicalAddress } from "./email-address.ts";
import { canonicalPhoneNumber } from "./phone-number.ts";

/** Kinds of APNs token besides the ordinary one: each takes pushes of its own kind and no others (core/content/push-target.ts). */
export const APNS_KINDS = ["voip", "live-activity", "live-activity-start"] as const;
export type ApnsKind = (typeof APNS_KINDS)[number];

/** An app on an Apple device. */
export interface ApnsEndpoint {
  channel: "apns";
  /** Hexadecimal device token. */
  token: string;
  /** The bundle id of the app; absent: the first one of the account that sends to it. */
  application?: string | undefined;
  /** Where the token is valid; absent: in production. */
  environment?: "development" | undefined;
  /** Absent: an ordinary token. */
  kind?: ApnsKind | undefined;
}

/** Whatever Firebase reaches. */
export interface FcmEndpoint {
  channel: "fcm";
  /** A registration token, or what `kind` says. */
  token: string;
  /** A Firebase installation id. */
  kind?: "installation" | undefined;
}

export type EndpointKind = ApnsKind | "installation";

/** One place a person can be reached. */
export type Endpoint =
  | ApnsEndpoint
  | FcmEndpoint
  | { channel: "webpush"; pushUrl: string; p256dh: string; auth: string } // keys in base64url, as browsers give them
  | { channel: "sms"; phoneNumber: string } // E.164 with the plus
  | { channel: "email"; address: string };

/**
 * The endpoint in the one form that is stored, compared, hashed and called. Otherwise an opt-out of one spelling would not hold for
 * another. FCM tokens have one spelling. What cannot be parsed stays as it is.
 */
export function canonicalEndpoint(endpoint: Endpoint): Endpoint {
  switch (endpoint.channel) {
    case "apns":
      return { ...endpoint, token: endpoint.token.toLowerCase() };
    case "webpush": {
      const parsed = canonicalPushUrl(endpoint.pushUrl);
      return parsed ? { ...endpoint, pushUrl: unescaped(parsed.url) } : endpoint;
    }
    case "email":
      return { channel: "email", address: canonicalAddress(endpoint.address) };
    case "sms":
      return { channel: "sms", phoneNumber: canonicalPhoneNumber(endpoint.phoneNumber) };
    case "fcm":
      return endpoint;
  }
}

/**
 * Letters, digits and -._~ mean the same escaped and not, and a push service cannot tell the two apart (RFC 3986, section 6.2.2). One pass is
 * enough, because canonicalPushUrl() lets a percent sign stand only in an escape: no escape is made of what another one stood for.
 */
const unescaped = (url: string): string =>
  url.replaceAll(/%([0-9a-f]{2})/gi, (escaped, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : escaped.toUpperCase();
  });

/** The text that identifies the endpoint, the same however it was spelled. Secret: hash it before it leaves the process. */
export const endpointKey = (endpoint: Endpoint): string => keyAsSpelled(canonicalEndpoint(endpoint));

/** The key that development builds before 0.1.0 gave this spelling. It differs from endpointKey() for push URLs that no browser makes, and for numbers with a 0 too many. */
export function keyAsSpelled(endpoint: Endpoint): string {
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
      // Servers may tell upper from lower case before the @; none that people use does, and an opt-out must not depend on it.
      return `email:${endpoint.address.toLowerCase()}`;
  }
}

/** Undefined where it is an ordinary one. The key leaves it out, as it does the application: what identifies an endpoint is its token. */
export const kindOf = (endpoint: Endpoint): EndpointKind | undefined =>
  endpoint.channel === "apns" || endpoint.channel === "fcm" ? endpoint.kind : undefined;

/** Enough to recognise an endpoint in a log, not enough to use it. */
export function maskEndpoint(endpoint: Endpoint): string {
  switch (endpoint.channel) {
    case "apns":
    case "fcm":
      return `…${endpoint.token.slice(-4)}`;
    case "webpush":
      return `${URL.parse(endpoint.pushUrl)?.host ?? ""}/…${endpoint.pushUrl.slice(-4)}`;
    case "sms":
      return `${endpoint.phoneNumber.slice(0, 3)}…${endpoint.phoneNumber.slice(-2)}`;
    case "email":
      return `${endpoint.address.slice(0, 1)}…@${endpoint.address.split("@").at(-1)}`;
  }
}

/** The endpoint with its secret masked, to show what would be sent to it. */
export function maskedEndpoint(endpoint: Endpoint): Endpoint {
  const masked = maskEndpoint(endpoint);
  switch (endpoint.channel) {
    case "apns":
    case "fcm":
      return { ...endpoint, token: masked };
    case "webpush":
      return { channel: "webpush", pushUrl: `https://${masked}`, p256dh: "", auth: "" };
    case "sms":
      return { channel: "sms", phoneNumber: masked };
    case "email":
      return { channel: "email", address: masked };
  }
}
