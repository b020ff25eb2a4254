import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { status } from "@grpc/grpc-js";
import { channelFromProto } from "../../adapters/wire/convert.ts";
import {
  type Accepted,
  type BatchSendNotificationsResult,
  Notification,
  type Notification as NotificationMessage,
  type NotificationServiceClient,
  NotificationServiceService,
} from "../../gen/carillon/v1/notification_service.ts";
import { type BulkSendFault, type BulkSendResult, bulkSend, type SendBatch } from "../../operations/bulk-send/bulk-send.ts";
import { systemClock } from "../../runtime/clock.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { CALL_MS, readCallFault } from "./connect.ts";
import { LineError, parseLine } from "./jsonl.ts";

/** The result for one line of the file. */
export interface LineResult {
  line: number;
  key?: string;
  notificationId?: string;
  repeated?: boolean;
  deliveries?: { id: string; channel: string; suppressed?: string }[];
  error?: BulkSendFault;
}

export interface SendOptions {
  client: NotificationServiceClient;
  /** Notifications per second; undefined: as fast as answers come. */
  rate?: number | undefined;
  /** Notifications per call, at most 1,000. */
  batch: number;
  onResult(result: LineResult): void;
}

interface Line {
  line: number;
  message: NotificationMessage;
  /** Of the encoded message, with its tag and length. */
  bytes: number;
}

/** Of a message in a list: a tag of one byte, and a length of at most five. */
const FRAME_BYTES = 6;

export const readLines = (path: string): AsyncIterable<string> =>
  createInterface({ input: path === "-" ? process.stdin : createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });

/** Sends every line; resolves when each has its result. Results are reported as answers arrive. */
export async function sendLines(lines: AsyncIterable<string> | Iterable<string>, options: SendOptions): Promise<void> {
  const { client, rate, batch, onResult } = options;

  async function* parsed(): AsyncGenerator<Line> {
    let line = 0;
    for await (const text of lines) {
      line++;
      if (text.trim() === "") continue;
      let message: NotificationMessage;
      try {
        message = parseLine(text, Date.now());
      } catch (error) {
        if (!(error instanceof LineError)) throw error;
        onResult({ line, error: { code: "INVALID_ARGUMENT", reason: "INVALID_LINE", message: error.message } });
        continue;
      }
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
  await bulkSend(parsed(), parts, { rate, batch, bytesOf, onResult: (item, result) => onResult(toLine(item, result)) });
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
    deliveries: deliveries.map((d) => ({
      id: d.deliveryId,
      channel: channelFromProto(d.channel) ?? "unknown",
      ...(d.suppressedReason ? { suppressed: d.suppressedReason.code } : {}),
    })),
  };
}
