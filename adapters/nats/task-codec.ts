import { contentFromProto, contentToProto } from "../../core/content/content.ts";
import { APNS_KINDS, type Endpoint, kindOf } from "../../core/delivery/endpoint.ts";
import { readTaskMessageId } from "../../core/delivery/subjects.ts";
import type { DeliveryTask } from "../../core/ports/queue.ts";
import { DeliveryTask as Wire } from "../../gen/carillon/v1/task.ts";
import {
  channelFromProto,
  channelToProto,
  classFromProto,
  classToProto,
  endpointFromProto,
  plainEndpointToProto,
  priorityFromProto,
  priorityToProto,
} from "../wire/convert.ts";

/** A task as protobuf; its publication and its trace are in the headers. */
export function encodeTask(task: DeliveryTask): Uint8Array {
  return Wire.encode({
    notificationId: task.notificationId,
    deliveryId: task.deliveryId,
    attempt: task.attempt,
    app: task.app,
    userId: task.userId ?? "",
    channel: channelToProto(task.channel),
    endpoint: plainEndpointToProto(task.endpoint),
    endpointKind: kindOf(task.endpoint) ?? "",
    endpointId: task.endpointId ?? "",
    shownTo: [...(task.shownTo ?? [])],
    notificationClass: classToProto(task.notificationClass),
    category: task.category,
    priority: priorityToProto(task.priority),
    collapseKey: task.collapseKey ?? "",
    expiresAtMs: task.expiresAt,
    ttlSeconds: task.ttlSeconds,
    content: contentToProto(task.content),
    policyResend: task.policyResend,
    firstAttempt: task.runStart,
    redrive: task.redrive ?? 0,
    statusQuery: task.statusQuery,
    needs: [...task.needs],
    contentHash: task.contentHash ?? "",
  }).finish();
}

/** A kind that this version does not know is among the task's needs: it is never sent to. */
function ofKind(endpoint: Endpoint | undefined, name: string): Endpoint | undefined {
  if (endpoint?.channel === "fcm" && name === "installation") return { ...endpoint, kind: name };
  const kind = APNS_KINDS.find((known) => known === name);
  return endpoint?.channel === "apns" && kind !== undefined ? { ...endpoint, kind } : endpoint;
}

/** Undefined where the bytes are not a task, so that no dispatcher can ever handle them. */
export function decodeTask(bytes: Uint8Array, messageId: string): DeliveryTask | undefined {
  let wire: Wire;
  try {
    wire = Wire.decode(bytes);
  } catch {
    return undefined;
  }
  const channel = channelFromProto(wire.channel);
  const notificationClass = classFromProto(wire.notificationClass);
  const endpoint = ofKind(endpointFromProto(wire.endpoint), wire.endpointKind);
  if (!channel || !notificationClass || !endpoint || !wire.content || wire.attempt < 1 || wire.deliveryId === "") return undefined;
  return {
    notificationId: wire.notificationId,
    deliveryId: wire.deliveryId,
    attempt: wire.attempt,
    publication: readTaskMessageId(messageId)?.publication ?? 0,
    app: wire.app,
    userId: wire.userId || undefined,
    channel,
    endpoint,
    endpointId: wire.endpointId || undefined,
    ...(wire.shownTo.length > 0 ? { shownTo: wire.shownTo } : {}),
    notificationClass,
    category: wire.category,
    priority: priorityFromProto(wire.priority) ?? "normal",
    collapseKey: wire.collapseKey || undefined,
    expiresAt: wire.expiresAtMs,
    ttlSeconds: wire.ttlSeconds,
    content: contentFromProto(wire.content),
    policyResend: wire.policyResend,
    runStart: wire.firstAttempt || 1,
    redrive: wire.redrive || undefined,
    statusQuery: wire.statusQuery,
    needs: wire.needs,
    contentHash: wire.contentHash || undefined,
    traceparent: undefined,
  };
}
