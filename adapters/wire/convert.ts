import type { Channel, NotificationClass, Priority } from "../../core/delivery/channel.ts";
import { APNS_KINDS, type ApnsKind, type Endpoint } from "../../core/delivery/endpoint.ts";
import type { DeliveryState } from "../../core/delivery/notification.ts";
import type { Reason } from "../../core/delivery/reason.ts";
import {
  ApnsEnvironment,
  Channel as ChannelProto,
  type Endpoint as EndpointProto,
  type Reason as ReasonProto,
} from "../../gen/carillon/v1/channel.ts";
import {
  NotificationClass as ClassProto,
  Priority as PriorityProto,
  DeliveryState as StateProto,
} from "../../gen/carillon/v1/notification_service.ts";

/** Inverts a table. A value that is not in it (unspecified, or from a newer version) gives undefined. */
export const inverse = <K extends string, V extends number>(table: Readonly<Record<K, V>>): ((value: number) => K | undefined) => {
  const keys = new Map<number, K>();
  for (const key in table) keys.set(table[key], key);
  return (value) => keys.get(value);
};

const CHANNEL = {
  apns: ChannelProto.CHANNEL_APNS,
  fcm: ChannelProto.CHANNEL_FCM,
  webpush: ChannelProto.CHANNEL_WEBPUSH,
  sms: ChannelProto.CHANNEL_SMS,
  email: ChannelProto.CHANNEL_EMAIL,
} as const satisfies Record<Channel, ChannelProto>;

const CLASS = {
  critical: ClassProto.NOTIFICATION_CLASS_CRITICAL,
  transactional: ClassProto.NOTIFICATION_CLASS_TRANSACTIONAL,
  marketing: ClassProto.NOTIFICATION_CLASS_MARKETING,
} as const satisfies Record<NotificationClass, ClassProto>;

const PRIORITY = {
  low: PriorityProto.PRIORITY_LOW,
  normal: PriorityProto.PRIORITY_NORMAL,
  high: PriorityProto.PRIORITY_HIGH,
} as const satisfies Record<Priority, PriorityProto>;

const STATE = {
  pending: StateProto.DELIVERY_STATE_PENDING,
  uncertain: StateProto.DELIVERY_STATE_UNCERTAIN,
  sent: StateProto.DELIVERY_STATE_SENT,
  delivered: StateProto.DELIVERY_STATE_DELIVERED,
  suppressed: StateProto.DELIVERY_STATE_SUPPRESSED,
  expired: StateProto.DELIVERY_STATE_EXPIRED,
  cancelled: StateProto.DELIVERY_STATE_CANCELLED,
  failed: StateProto.DELIVERY_STATE_FAILED,
} as const satisfies Record<DeliveryState, StateProto>;

export const channelToProto = (channel: Channel): ChannelProto => CHANNEL[channel];
export const channelFromProto = inverse(CHANNEL);
export const classToProto = (notificationClass: NotificationClass): ClassProto => CLASS[notificationClass];
export const classFromProto = inverse(CLASS);
export const priorityToProto = (priority: Priority): PriorityProto => PRIORITY[priority];
export const priorityFromProto = inverse(PRIORITY);
export const stateToProto = (state: DeliveryState): StateProto => STATE[state];
export const stateFromProto = inverse(STATE);

/** The field of carillon.v1.Endpoint for a token of each kind. */
const APNS_CASE = {
  voip: "apnsVoipToken",
  "live-activity": "apnsLiveActivityToken",
  "live-activity-start": "apnsLiveActivityStartToken",
} as const satisfies Record<ApnsKind, string>;

/**
 * As every version reads it: without its kind, as an ordinary token. For what our own services tell one another: who gets it has the kind from elsewhere
 * or needs none.
 */
export const plainEndpointToProto = (endpoint: Endpoint): EndpointProto => endpointToProto({ ...endpoint, kind: undefined } as Endpoint);

export function endpointToProto(endpoint: Endpoint): EndpointProto {
  switch (endpoint.channel) {
    case "apns": {
      const { token, application, environment, kind } = endpoint;
      return {
        address: { $case: kind === undefined ? "apnsToken" : APNS_CASE[kind], value: token },
        ...(application === undefined ? {} : { application }),
        ...(environment === undefined ? {} : { apnsEnvironment: ApnsEnvironment.APNS_ENVIRONMENT_DEVELOPMENT }),
      };
    }
    case "fcm":
      return { address: { $case: endpoint.kind === undefined ? "fcmToken" : "fcmInstallationId", value: endpoint.token } };
    case "webpush": {
      const p256dh = Buffer.from(endpoint.p256dh, "base64url");
      const auth = Buffer.from(endpoint.auth, "base64url");
      return { address: { $case: "webPushSubscription", value: { pushUrl: endpoint.pushUrl, p256dh, auth } } };
    }
    case "sms":
      return { address: { $case: "phoneNumber", value: endpoint.phoneNumber } };
    case "email":
      return { address: { $case: "emailAddress", value: endpoint.address } };
  }
}

/** Undefined when no address is set. */
export function endpointFromProto(proto: EndpointProto | undefined): Endpoint | undefined {
  const address = proto?.address;
  switch (address?.$case) {
    case undefined:
      return undefined;
    case "apnsToken":
    case "apnsVoipToken":
    case "apnsLiveActivityToken":
    case "apnsLiveActivityStartToken": {
      const kind = APNS_KINDS.find((name) => APNS_CASE[name] === address.$case);
      return {
        ...{ channel: "apns", token: address.value },
        ...(proto?.application === undefined ? {} : { application: proto.application }),
        ...(proto?.apnsEnvironment === ApnsEnvironment.APNS_ENVIRONMENT_DEVELOPMENT ? { environment: "development" } : {}),
        ...(kind === undefined ? {} : { kind }),
      };
    }
    case "fcmToken":
      return { channel: "fcm", token: address.value };
    case "fcmInstallationId":
      return { channel: "fcm", token: address.value, kind: "installation" };
    case "webPushSubscription": {
      const { pushUrl, p256dh, auth } = address.value;
      return { channel: "webpush", pushUrl, p256dh: p256dh.toString("base64url"), auth: auth.toString("base64url") };
    }
    case "phoneNumber":
      return { channel: "sms", phoneNumber: address.value };
    case "emailAddress":
      return { channel: "email", address: address.value };
  }
}

export const reasonToProto = (reason: Reason | undefined): ReasonProto | undefined =>
  reason && { code: reason.code, detail: reason.detail ?? "" };
