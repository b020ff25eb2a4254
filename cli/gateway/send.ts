import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { channelFromProto } from "../../adapters/wire/convert.ts";
import {
  type BatchSendNotificationsResult,
  type Notification,
  type NotificationServiceClient,
  NotificationServiceService,
} from "../../gen/carillon/v1/notification_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { CALL_MS, readCallFault } from "./connect.ts";
import { LineError, parseLine } from "./jsonl.ts";

/** What became of one line. */
export interface LineResult {
  line: number;
  key?: string;
  notificationId?: string;
  repeated?: boolean;
  deliveries?: { id: string; channel: string; suppressed?: string }[];
  error?: { code: string; reason: string; message: string; fields?: { field: string; rule: string; description: string }[] };
}

export interface SendOptions {
  client: NotificationServiceClient;
  /** Notifications per second; undefined: as fast as answers come. */
  rate?: number | undefined;
  /** Notifications per call, at most 1,000. */
  batch: number;
  onResult(result: LineResult): void;
}

/** Calls under way at once. */
const CALLS_MAX = 4;
/** An overloaded or absent gateway is asked again so often, with the same keys, before the lines are called failed. */
const TRIES_MAX = 8;
const TRY_AGAIN_MS = 500;

export const readLines = (path: string): AsyncIterable<string> =>
  createInterface({ input: path === "-" ? process.stdin : createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });

/** Sends every line; resolves when each has its result. Results come as the answers do. */
export async function sendLines(lines: AsyncIterable<string> | Iterable<string>, options: SendOptions): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let batch: { line: number; message: Notification }[] = [];
  const startedAt = performance.now();
  let sent = 0;

  const flush = async () => {
    if (batch.length === 0) return;
    const items = batch;
    batch = [];
    if (options.rate !== undefined) {
      const waitMs = (sent / options.rate) * 1000 - (performance.now() - startedAt);
      if (waitMs > 0) await delay(waitMs);
    }
    sent += items.length;
    const work = sendBatch(items, options).finally(() => underWay.delete(work));
    underWay.add(work);
    if (underWay.size >= CALLS_MAX) await Promise.race(underWay);
  };

  let line = 0;
  for await (const text of lines) {
    line++;
    if (text.trim() === "") continue;
    try {
      batch.push({ line, message: parseLine(text, Date.now()) });
    } catch (error) {
      if (!(error instanceof LineError)) throw error;
      options.onResult({ line, error: { code: "INVALID_ARGUMENT", reason: "INVALID_LINE", message: error.message } });
    }
    if (batch.length >= options.batch) await flush();
  }
  await flush();
  await Promise.all(underWay);
}

async function sendBatch(items: readonly { line: number; message: Notification }[], options: SendOptions): Promise<void> {
  let todo = [...items];
  for (let attempt = 1; todo.length > 0; attempt++) {
    const last = attempt >= TRIES_MAX;
    const again: typeof todo = [];
    let waitMs = TRY_AGAIN_MS * attempt;
    try {
      const request = { notifications: todo.map((i) => i.message) };
      const response = await callUnary(options.client, NotificationServiceService.batchSendNotifications, request, { deadlineMs: CALL_MS });
      for (const [i, item] of todo.entries()) {
        const result = response.results[i]?.result;
        const code = result?.$case === "error" ? result.value.code : status.OK;
        if (!last && (code === status.RESOURCE_EXHAUSTED || code === status.UNAVAILABLE)) again.push(item);
        else options.onResult(toResult(item.line, item.message.idempotencyKey, result));
      }
    } catch (error) {
      const fault = readCallFault(error);
      const passing = fault.code === "UNAVAILABLE" || fault.code === "RESOURCE_EXHAUSTED" || fault.code === "DEADLINE_EXCEEDED";
      if (passing && !last) {
        again.push(...todo);
        waitMs = Math.max(waitMs, fault.retryAfterMs ?? 0);
      } else {
        const { retryAfterMs: _, ...told } = fault;
        for (const item of todo) options.onResult({ line: item.line, key: item.message.idempotencyKey, error: told });
      }
    }
    todo = again;
    if (todo.length > 0) await delay(waitMs);
  }
}

function toResult(line: number, key: string, result: BatchSendNotificationsResult["result"]): LineResult {
  if (result?.$case === "accepted") {
    const { notificationId, repeatedKey, deliveries } = result.value;
    const told = deliveries.map((d) => ({
      id: d.deliveryId,
      channel: channelFromProto(d.channel) ?? "unknown",
      ...(d.suppressedReason ? { suppressed: d.suppressedReason.code } : {}),
    }));
    return { line, key, notificationId, ...(repeatedKey ? { repeated: true } : {}), deliveries: told };
  }
  if (result?.$case === "error") {
    const { code, reason, message, fields } = result.value;
    return { line, key, error: { code: status[code] ?? String(code), reason, message, ...(fields.length > 0 ? { fields } : {}) } };
  }
  return { line, key, error: { code: "INTERNAL", reason: "NO_RESULT", message: "the gateway answered nothing for this line" } };
}
