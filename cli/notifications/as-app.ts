import type { Store } from "../../core/ports/store.ts";
import { createCancelHandler } from "../../gateway/cancel-handler.ts";
import { createListHandler } from "../../gateway/list-handler.ts";
import {
  type CancelNotificationsRequest,
  type CancelNotificationsResponse,
  type ListNotificationsRequest,
  type ListNotificationsResponse,
  NotificationServiceService,
} from "../../gen/carillon/v1/notification_service.ts";
import { isCallError } from "../../runtime/call-error.ts";
import { systemClock } from "../../runtime/clock.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { createLogger } from "../../runtime/logger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { fail, type Invocation, text } from "../command.ts";
import { argumentFault } from "../gateway/argument-faults.ts";
import { CLIENT_OPTIONS, CLIENT_USAGE, connect } from "../gateway/command.ts";
import { CALL_MS, readCallFault } from "../gateway/connect.ts";
import { openStoreOf } from "../open-store.ts";

export const AS_APP_OPTIONS = { ...CLIENT_OPTIONS, app: { type: "string" } } as const;
export const AS_APP_USAGE = `[--app ID | ${CLIENT_USAGE}]`;

/** Calls for one app: of its own by the gateway, or an operator's in the store that STORE_URL names. */
export interface AsApp extends AsyncDisposable {
  /** Of an operator; undefined by the gateway. */
  store: Store | undefined;
  list(request: ListNotificationsRequest): Promise<ListNotificationsResponse>;
  cancel(request: CancelNotificationsRequest): Promise<CancelNotificationsResponse>;
}

export async function asApp({ values, env }: Invocation): Promise<AsApp> {
  const app = text(values.app);
  return app === undefined ? byGateway(values, env) : byStore(app, env);
}

function byGateway(values: Invocation["values"], env: Invocation["env"]): AsApp {
  const clients = connect(values, env);
  const call = <Result>(work: Promise<Result>) =>
    work.catch((error: unknown): never => {
      const { code, message, fields = [] } = readCallFault(error);
      return rejected(`${code}: ${message}`, fields);
    });
  const how = { deadlineMs: CALL_MS };
  return {
    store: undefined,
    list: (request) => call(callUnary(clients.notifications, NotificationServiceService.listNotifications, request, how)),
    cancel: (request) => call(callUnary(clients.notifications, NotificationServiceService.cancelNotifications, request, how)),
    [Symbol.asyncDispose]: async () => clients[Symbol.dispose](),
  };
}

/** With the gateway's handlers, so that both ways have the same rules and answers. */
async function byStore(id: string, env: Invocation["env"]): Promise<AsApp> {
  await using stack = new AsyncDisposableStack();
  const { store, record: caller } = await openStoreOf(env, id, stack);
  // The metrics of a command are never scraped, and who runs it sees what it did.
  const parts = { store, recorder: { record() {} }, clock: systemClock, log: createLogger("cancel", "silent") };
  // Whoever can read the store gains nothing from a forged page token, so its key is no secret.
  const [list, cancel] = [createListHandler({ ...parts, tokens: () => [`pages of ${id}`] }), createCancelHandler(parts)];
  const context = () => ({ caller, signal: AbortSignal.timeout(CALL_MS), deadlineAt: systemClock.now() + CALL_MS, traceparent: undefined });
  const answered = <Result>(answer: Result) => {
    if (isCallError(answer))
      rejected(
        `${answer.code}: ${answer.message}`,
        (answer.fields ?? []).map(({ field, message: description }) => ({ field, description })),
      );
    return answer as Exclude<Result, { kind: "call-error" }>;
  };
  const kept = stack.move();
  return {
    store,
    list: async (request) => answered(await list(request, context())),
    cancel: async (request) => answered(await cancel(request, context())),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Only who answered an earlier page can tell whether a token is one. */
function rejected(words: string, fields: Parameters<typeof argumentFault>[0]): never {
  const fault = argumentFault(fields, { page_token: "--page" });
  if (fault !== undefined) fail(fault);
  throw new OperatorError(words);
}
