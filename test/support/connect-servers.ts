// What tests of the HTTP/JSON port share: servers with one handler that end with the test file, and raw connections.
import { after } from "node:test";
import {
  BatchSendNotificationsResponse,
  CancelNotificationsResponse,
  GetNotificationResponse,
  ListNotificationsResponse,
  NotificationServiceService,
  PreviewNotificationResponse,
  SendNotificationResponse,
} from "../../gen/carillon/v1/notification_service.ts";
import { callError } from "../../runtime/call-error.ts";
import { type ConnectServerOptions, startConnectServer } from "../../runtime/connect/server.ts";
import { BATCH_BYTES_MAX } from "../../runtime/grpc/limits.ts";
import { type HandlersOf, serveHandlers } from "../../runtime/grpc/serve-handlers.ts";
import { createSharedLimits, type OwnLimits } from "../../runtime/grpc/shared-limits.ts";
import type { Authenticate } from "../../runtime/handler.ts";
import { createLogger } from "../../runtime/logger.ts";
import { watchRejections } from "./http-servers.ts";

type Caller = { readonly id: string };
type Handlers = HandlersOf<typeof NotificationServiceService, Caller>;

export const KEY = "Bearer good";
export const SERVICE = "/carillon.v1.NotificationService";
const empty = new Uint8Array();

/** Everybody who shows KEY, or another one that begins with it, is an app. */
export const authenticate: Authenticate<Caller> = (header) => {
  const given = header("authorization") ?? "";
  return given.startsWith(KEY) ? { id: given } : callError("UNAUTHENTICATED", "UNAUTHENTICATED", "no valid key");
};

/** Answers each request with an empty message, unless a handler is given. */
export const handlersOf = (given: Partial<Handlers> = {}): Handlers => ({
  sendNotification: async () => SendNotificationResponse.decode(empty),
  batchSendNotifications: async () => BatchSendNotificationsResponse.decode(empty),
  previewNotification: async () => PreviewNotificationResponse.decode(empty),
  listNotifications: async () => ListNotificationsResponse.decode(empty),
  cancelNotifications: async () => CancelNotificationsResponse.decode(empty),
  getNotification: async ({ notificationId }) => ({ ...GetNotificationResponse.decode(empty), notificationId }),
  ...given,
});

export function useConnectServers() {
  const lines: string[] = [];
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const stack = new AsyncDisposableStack();
  after(() => stack.disposeAsync());

  async function serve(handlers: Partial<Handlers> = {}, options: Partial<ConnectServerOptions> & { limits?: OwnLimits } = {}) {
    const { seen, onRejected, next } = watchRejections();
    const services = [
      serveHandlers(NotificationServiceService, handlersOf(handlers), {
        ...{ log, authenticate, messageBytesMax: { batchSendNotifications: BATCH_BYTES_MAX } },
        itemsOf: { batchSendNotifications: "notifications" },
      }),
    ];
    const shared = createSharedLimits(services, options.limits);
    const server = await startConnectServer({ host: "127.0.0.1", port: 0, services, shared, log, onRejected, drainMs: 1_000, ...options });
    stack.use(server);
    const url = `http://127.0.0.1:${server.port}`;
    return {
      server,
      services,
      shared,
      url,
      seen,
      next,
      call: (method: string, body: unknown, more?: CallOptions) => call(url, method, body, more),
    };
  }
  return { lines, log, stack, serve };
}

export interface CallOptions {
  headers?: Record<string, string>;
  method?: string;
  query?: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any JSON
  json: any;
}

/** One call on a connection of its own. A text is sent as it is, anything else as JSON. */
export async function call(
  url: string,
  method: string,
  body: unknown,
  { headers = {}, method: verb = "POST", query = "" }: CallOptions = {},
): Promise<Answer> {
  const path = method.startsWith("/") ? method : `${SERVICE}/${method}`;
  const response = await fetch(`${url}${path}${query}`, {
    method: verb,
    headers: { authorization: KEY, "content-type": "application/json", connection: "close", ...headers },
    ...(verb === "POST" && { body: typeof body === "string" || body instanceof Uint8Array ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json: unknown = response.headers.get("content-type") === "application/json" && text ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, json };
}

/** The fields that an answer's google.rpc.BadRequest names, with their rules. */
export const fieldsOf = ({ json }: Answer): string[] =>
  (json?.details ?? [])
    .filter(({ type }: { type: string }) => type === "google.rpc.BadRequest")
    .flatMap(({ debug }: { debug: { fieldViolations: { field: string; reason: string }[] } }) =>
      debug.fieldViolations.map(({ field, reason }) => `${field} ${reason}`),
    );
