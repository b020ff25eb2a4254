import { status } from "@grpc/grpc-js";
import {
  type Accepted,
  type BatchSendNotificationsResult,
  Notification,
  type NotificationServiceClient,
  NotificationServiceService,
} from "../../gen/carillon/v1/notification_service.ts";
import { type BulkSendFault, type BulkSendResult, bulkSend, type SendBatch } from "../../operations/bulk-send/bulk-send.ts";
import { systemClock } from "../../runtime/clock.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { CALL_MS, readCallFault } from "./connect.ts";
import { type ParsedLine, parseLines } from "./jsonl.ts";
import { toAcceptedJson } from "./notification-json.ts";

/** The result for one line of the file. */
export interface LineResult {
  line: number;
  key?: string;
  notificationId?: string;
  repeated?: boolean;
  deliveries?: ReturnType<typeof toAcceptedJson>;
  error?: BulkSendFault;
}

export interface SendOptions {
  client: NotificationServiceClient;
  /** Notifications per second; undefined: as fast as answers come. */
  rate?: number | undefined;
  /** Notifications per call, at most 1,000. */
  batch: number;
  /** From which relative times of lines count, in ms since the epoch; absent: from the call on. */
  now?: number | undefined;
  onResult(result: LineResult): void;
}

interface Line extends ParsedLine {
  /** Of the encoded message, with its tag and length. */
  bytes: number;
}

/** Of a message in a list: a tag of one byte, and a length of at most five. */
const FRAME_BYTES = 6;

/** Sends every line; resolves when each has its result. Results are reported as answers arrive. */
export async function sendLines(lines: AsyncIterable<string> | Iterable<string>, options: SendOptions): Promise<void> {
  const { client, rate, batch, onResult, now = Date.now() } = options;

  async function* measured(): AsyncGenerator<Line> {
    for await (const parsed of parseLines(lines, onResult, now)) {
      const { line, message } = parsed;
      yield { line, message, bytes: Notification.encode(message).finish().length + FRAME_BYTES };
    }
  }

  const sendBatch: SendBatch<Line, Accepted> = async (items) => {
    const request = { notifications: items.map((i) => i.message) };
    try {
      const response = await callUnary(client, NotificationServiceService.batchSendNotifications, request, { deadlineMs: CALL_MS });
      return { kind: "answered", results: response.results.map(toBulkResult) };
    } catch (error) {
      const { retryAfterMs, ...fault } = readCallFault(error);
      return { kind: "failed", error: fault, retryAfterMs };
    }
  };
  const bytesOf = ({ bytes }: Line) => bytes;
  const parts = { sendBatch, clock: systemClock };
  await bulkSend(measured(), parts, { rate, batch, bytesOf, onResult: (item, result) => onResult(toLine(item, result)) });
}

function toBulkResult({ result }: BatchSendNotificationsResult): BulkSendResult<Accepted> {
  if (result?.$case === "accepted") return { kind: "accepted", accepted: result.value };
  if (result === undefined)
    return { kind: "rejected", error: { code: "INTERNAL", reason: "NO_RESULT", message: "the gateway's answer has an empty result" } };
  const { code, reason, message, fields, retryAfter } = result.value;
  return {
    kind: "rejected",
    error: { code: status[code] ?? String(code), reason, message, ...(fields.length > 0 ? { fields } : {}) },
    retryAfterMs: retryAfter && retryAfter.seconds * 1_000 + Math.ceil(retryAfter.nanos / 1_000_000),
  };
}

function toLine({ line, message: { idempotencyKey: key } }: Line, result: BulkSendResult<Accepted>): LineResult {
  if (result.kind === "rejected") return { line, key, error: result.error };
  const { notificationId, repeatedKey, deliveries } = result.accepted;
  return {
    ...{ line, key, notificationId },
    ...(repeatedKey ? { repeated: true } : {}),
    deliveries: toAcceptedJson(deliveries),
  };
}
