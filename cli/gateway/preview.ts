import { setTimeout as delay } from "node:timers/promises";
import {
  type Notification,
  type NotificationServiceClient,
  NotificationServiceService,
  type PreviewNotificationResponse,
} from "../../gen/carillon/v1/notification_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { CALL_MS, type CallFault, readCallFault } from "./connect.ts";
import { parseLines } from "./jsonl.ts";
import { type RequestJson, toAcceptedJson, toRequestJson } from "./notification-json.ts";

/** What would come of one line of the file. */
export interface LinePreview {
  line: number;
  key?: string;
  notificationId?: string;
  repeated?: true;
  deliveries?: ReturnType<typeof toAcceptedJson>;
  requests?: RequestJson[];
  error?: CallFault;
}

/** A gateway at its limit is asked again so often, each time after the delay that it names. */
const ATTEMPTS_MAX = 5;

/** Previews every line, in order, one call after another: a preview costs the gateway as much as several calls. */
export async function previewLines(
  lines: AsyncIterable<string> | Iterable<string>,
  {
    client,
    onPreview,
    now = Date.now(),
  }: { client: NotificationServiceClient; onPreview(preview: LinePreview): void; now?: number | undefined },
): Promise<void> {
  for await (const { line, message } of parseLines(lines, onPreview, now)) {
    const key = message.idempotencyKey;
    try {
      onPreview({ line, key, ...previewed(await callPreview(client, message)) });
    } catch (error) {
      onPreview({ line, key, error: readCallFault(error) });
    }
  }
}

async function callPreview(client: NotificationServiceClient, notification: Notification): Promise<PreviewNotificationResponse> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await callUnary(client, NotificationServiceService.previewNotification, { notification }, { deadlineMs: CALL_MS });
    } catch (error) {
      const { retryAfterMs } = readCallFault(error);
      if (retryAfterMs === undefined || attempt === ATTEMPTS_MAX) throw error;
      await delay(retryAfterMs);
    }
  }
}

function previewed({ accepted, requests }: PreviewNotificationResponse): Omit<LinePreview, "line" | "key"> {
  return {
    notificationId: accepted?.notificationId ?? "",
    ...(accepted?.repeatedKey ? { repeated: true } : {}),
    deliveries: toAcceptedJson(accepted?.deliveries ?? []),
    requests: requests.map(toRequestJson),
  };
}
