import { channelFromProto, classFromProto, endpointFromProto, priorityFromProto } from "../adapters/wire/convert.ts";
import { withoutEmpty } from "../core/content/codec.ts";
import { type Content, contentFromProto } from "../core/content/content.ts";
import { hasText, isSilent } from "../core/content/push-content.ts";
import type { Channel, NotificationClass, Priority } from "../core/delivery/channel.ts";
import { canonicalEndpoint, type Endpoint } from "../core/delivery/endpoint.ts";
import type { Recipient } from "../core/delivery/notification.ts";
import type { Notification } from "../gen/carillon/v1/notification_service.ts";

/** A send request in core types. Times are ms since the epoch. */
export interface NotificationRequest {
  idempotencyKey: string;
  /** An endpoint is in its canonical form. */
  recipient: Recipient;
  /** The recipient's endpoint as the caller spelled it: what a repeated call is compared by. */
  endpointAsGiven?: Endpoint | undefined;
  /** Empty: every channel that the content has a part for. */
  channels: Channel[];
  notificationClass: NotificationClass;
  category: string;
  content: Content;
  priority: Priority;
  /** As the caller gave it; absent: `priority` is the class's. A mail is marked by it. */
  priorityAsked?: Priority | undefined;
  /** What hashes have instead of `priority`: data alone without one were "high" in earlier revisions, and a repeated call is still the same. */
  priorityAsHashed?: Priority;
  collapseKey: string | undefined;
  sendAt: number | undefined;
  expiresAt: number | undefined;
  /** Absent differs from 0, which is "now or never". */
  ttlSeconds?: number | undefined;
  /** Absent where there are none. */
  tags?: Readonly<Record<string, string>> | undefined;
  cancelKey?: string | undefined;
}

/** @param message has passed the .proto rules */
export function toRequest(message: Notification): NotificationRequest {
  const to = message.recipient?.to;
  const endpointAsGiven = to?.$case === "endpoint" ? endpointFromProto(to.value) : undefined;
  const endpoint = endpointAsGiven && canonicalEndpoint(endpointAsGiven);
  const notificationClass = classFromProto(message.notificationClass);
  if (notificationClass === undefined || message.content === undefined || (to?.$case !== "userId" && endpoint === undefined)) {
    throw new Error("a message that passed the rules cannot lack these");
  }
  const content = contentFromProto(message.content);
  const priorityAsked = priorityFromProto(message.priority);
  const byDefault = defaultPriority(notificationClass, isQuiet(content));
  const hashed = defaultPriority(notificationClass, content.push?.background);
  return {
    idempotencyKey: message.idempotencyKey,
    recipient: endpoint ? { kind: "endpoint", endpoint } : { kind: "user", userId: to?.$case === "userId" ? to.value : "" },
    endpointAsGiven,
    channels: message.channels.map(channelFromProto).filter((c) => c !== undefined),
    notificationClass,
    category: message.category,
    content,
    priority: priorityAsked ?? byDefault,
    priorityAsked,
    ...(priorityAsked === undefined && byDefault !== hashed ? { priorityAsHashed: hashed } : {}),
    collapseKey: message.collapseKey || undefined,
    sendAt: message.sendAt?.getTime(),
    expiresAt: message.expiresAt?.getTime(),
    ...(message.ttlSeconds === undefined ? {} : { ttlSeconds: message.ttlSeconds }),
    ...withoutEmpty({ tags: { ...message.tags }, cancelKey: message.cancelKey }),
  };
}

/**
 * What only reaches the application, data alone included, and what only changes a Live Activity, is not urgent unless the caller says so. Apple allows
 * few urgent changes an hour.
 */
const isQuiet = ({ push }: Content) =>
  push !== undefined && (isSilent(push) || (push.liveActivity !== undefined && push.liveActivity.event !== "start" && !hasText(push)));
const defaultPriority = (notificationClass: NotificationClass, isQuiet = false): Priority =>
  notificationClass === "marketing" || isQuiet ? "normal" : "high";
