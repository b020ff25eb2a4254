import { channelFromProto, classFromProto, endpointFromProto, priorityFromProto } from "../adapters/wire/convert.ts";
import { type Content, contentFromProto } from "../core/content/content.ts";
import { isSilent } from "../core/content/push-content.ts";
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
  /** What hashes have instead of `priority`: data alone without one were "high" in earlier revisions, and a repeated call is still the same. */
  priorityAsHashed?: Priority;
  collapseKey: string | undefined;
  sendAt: number | undefined;
  expiresAt: number | undefined;
  /** Absent differs from 0, which is "now or never". */
  ttlSeconds?: number | undefined;
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
  const given = priorityFromProto(message.priority);
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
    priority: given ?? byDefault,
    ...(given === undefined && byDefault !== hashed ? { priorityAsHashed: hashed } : {}),
    collapseKey: message.collapseKey || undefined,
    sendAt: message.sendAt?.getTime(),
    expiresAt: message.expiresAt?.getTime(),
    ...(message.ttlSeconds === undefined ? {} : { ttlSeconds: message.ttlSeconds }),
  };
}

/** A push that only reaches the application, data alone included, is not urgent unless the caller says so. */
const isQuiet = ({ push }: Content) => push !== undefined && isSilent(push);
const defaultPriority = (notificationClass: NotificationClass, isQuiet = false): Priority =>
  notificationClass === "marketing" || isQuiet ? "normal" : "high";
