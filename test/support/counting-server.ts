import assert from "node:assert/strict";
import { after } from "node:test";
import { GetNotificationRequest, NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { ExternalScalerService } from "../../gen/externalscaler/externalscaler.ts";
import { type CallError, callError } from "../../runtime/call-error.ts";
import { rejectionCounter } from "../../runtime/grpc/rejections.ts";
import { type GrpcServerOptions, startGrpcServer } from "../../runtime/grpc/server.ts";
import type { ReadHeader } from "../../runtime/handler.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { framed, type RawGrpc, rawGrpc } from "./raw-grpc.ts";

export const GET = NotificationServiceService.getNotification.path;
export const BATCH = NotificationServiceService.batchSendNotifications.path;
export const KEY = { authorization: "Bearer right" };
/** Another app's. */
export const BANK_KEY = { authorization: "Bearer bank" };
/** Of GET, and valid. */
export const message = framed(GetNotificationRequest.encode({ notificationId: "a".repeat(32) }).finish());
/** A valid BatchSendNotifications of that size: field 15 is none of its fields. */
export function batchOf(bytes: number): Buffer {
  const length = bytes - 5;
  // In four bytes, over-long or not.
  const varint = [(length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, ((length >> 14) & 0x7f) | 0x80, (length >> 21) & 0x7f];
  return framed(Buffer.concat([Buffer.from([0x7a, ...varint]), Buffer.alloc(length)]));
}
export const MIB = 1024 * 1024;

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

type Answer = (error: null, response: Record<string, unknown>) => void;
/**
 * A server whose methods answer at once; it counts what reaches a handler or a decoder. Ends after the test file.
 * @param lookup what the authentication waits for; it may also be that the key cannot be checked
 * @param until what the handlers wait for
 */
export async function serve(
  options: Partial<GrpcServerOptions> = {},
  {
    lookup = () => undefined,
    until,
    anybody = false,
  }: {
    lookup?: (authorization: string | undefined) => Promise<CallError | undefined> | CallError | undefined;
    until?: Promise<void>;
    anybody?: boolean;
  } = {},
) {
  const seen = { handled: 0, decoded: 0 };
  const lines: string[] = [];
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const metrics = createMetrics("test");
  const authenticate = async (header: ReadHeader) => {
    const given = header("authorization");
    if (anybody) return undefined;
    const fault = await lookup(given);
    if (fault) return fault;
    if (given === BANK_KEY.authorization) return { id: "bank" };
    return given === KEY.authorization ? { app: "shop" } : callError("UNAUTHENTICATED", "UNAUTHENTICATED", "no key");
  };
  const answer = (_: unknown, reply: Answer) => {
    seen.handled++;
    if (until) void until.then(() => reply(null, {}));
    else reply(null, {});
  };
  const counted = <D extends typeof NotificationServiceService | typeof ExternalScalerService>(definition: D) =>
    Object.fromEntries(
      Object.entries(definition).map(([name, method]) => {
        const requestDeserialize = (bytes: Buffer) => {
          seen.decoded++;
          return method.requestDeserialize(bytes);
        };
        return [name, { ...method, requestDeserialize, responseSerialize: () => Buffer.alloc(0) }];
      }),
    );
  const reads = { previewNotification: answer, getNotification: answer, listNotifications: answer };
  const implementation = { sendNotification: answer, batchSendNotifications: answer, cancelNotifications: answer, ...reads };
  const scaler = { isActive: answer, getMetricSpec: answer, getMetrics: answer, streamIsActive: () => assert.fail("the stream is opened") };
  const server = await startGrpcServer({
    address: "127.0.0.1:0",
    services: [
      {
        definition: counted(NotificationServiceService),
        implementation,
        authenticate,
        messageBytesMax: { batchSendNotifications: 16 * MIB },
      },
      { definition: counted(ExternalScalerService), implementation: scaler, authenticate },
    ],
    reflection: true,
    rejected: rejectionCounter(metrics),
    log,
    drainMs: 100,
    ...options,
  });
  stack.use(server);
  const rejected = async (reason: string) => {
    const printed = await metrics.registry.metrics();
    return Number(
      new RegExp(`carillon_grpc_rejections_total\\{listener="grpc",reason="${reason}",service="test"\\} (\\d+)`).exec(printed)?.[1] ?? 0,
    );
  };
  return { ...server, seen, lines, rejected };
}
export const client = async (server: { address: string }): Promise<RawGrpc> => stack.use(await rawGrpc(server.address));
