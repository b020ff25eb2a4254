import { notificationId } from "../adapters/ids.ts";
import { stateToProto } from "../adapters/wire/convert.ts";
import type { AppRecord } from "../core/apps/app.ts";
import {
  CancelContendedError,
  type CancelledDelivery,
  cancelNotifications,
  type CancelOutcome as Outcome,
} from "../core/delivery/cancel.ts";
import { cancelReason, cancelSelection } from "../core/delivery/cancel-page.ts";
import { parsePlace, placeText } from "../core/delivery/place.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { CancelSelection } from "../core/ports/notification-store.ts";
import type { Store } from "../core/ports/store.ts";
import {
  type CancelledDelivery as CancelledMessage,
  type CancelNotificationsRequest,
  type CancelNotificationsResponse,
  CancelOutcome,
} from "../gen/carillon/v1/notification_service.ts";
import { callError, invalidRequest } from "../runtime/call-error.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import type { Handler } from "../runtime/handler.ts";
import type { Logger } from "../runtime/logger.ts";
import { notFound } from "./answer.ts";
import { withStore } from "./with-store.ts";

/** A call with less time left than this, in ms, begins no further page. */
const FINISH_MS = 2_000;

const OUTCOME = {
  cancelled: CancelOutcome.CANCEL_OUTCOME_CANCELLED,
  "in-flight": CancelOutcome.CANCEL_OUTCOME_IN_FLIGHT,
  "in-doubt": CancelOutcome.CANCEL_OUTCOME_IN_DOUBT,
  "too-late": CancelOutcome.CANCEL_OUTCOME_TOO_LATE,
} as const satisfies Record<Outcome, CancelOutcome>;

export interface CancelParts {
  store: Pick<Store, "notifications" | "attempts">;
  recorder: EventRecorder;
  clock: Pick<Clock, "now">;
  log: Logger;
}

/** NotificationService.CancelNotifications. */
export function createCancelHandler({
  store,
  recorder,
  clock,
  log,
}: CancelParts): Handler<CancelNotificationsRequest, CancelNotificationsResponse, AppRecord> {
  const check = compileValidator("carillon.v1.CancelNotificationsRequest");
  return async (request, { caller, signal, deadlineAt }) => {
    const violations = check(request);
    if (violations.length > 0) return invalidRequest(violations);
    const { userId, cancelKey, actor } = request;
    const how = { reason: cancelReason({ actor, text: request.reason }), now: clock.now() };
    const hasTime = () => !signal.aborted && clock.now() < deadlineAt - FINISH_MS;
    const selection = selectionOf(request);
    const by = selection ? { user: userId !== "", cancelKey: cancelKey !== "" } : "id";
    return withStore(async () => {
      try {
        const page = await (selection
          ? cancelSelection({ store, recorder }, { app: caller.id, selection, after: parsePlace(request.pageToken) }, how, hasTime)
          : one(caller.id, request, how));
        if (page === undefined) return notFound;
        const { deliveries, remaining, next } = page;
        log.info({ app: caller.id, actor, reason: request.reason, by, ...countsOf(deliveries), remaining }, "notifications cancelled");
        return { deliveries: deliveries.map(toMessage), remaining, nextPageToken: next ? placeText(next) : "" };
      } catch (error) {
        if (error instanceof CancelContendedError) return contended;
        throw error;
      }
    });
  };

  async function one(app: string, request: CancelNotificationsRequest, how: Parameters<typeof cancelNotifications>[2]) {
    const id = request.notificationId || notificationId(app, request.idempotencyKey);
    const record = await store.notifications.find(id);
    if (record === undefined || record.app !== app) return undefined;
    const deliveries = await cancelNotifications({ store, recorder }, [record], how);
    return { deliveries, remaining: 0, next: undefined };
  }
}

/** Undefined: it names one notification. */
function selectionOf({ userId, cancelKey }: CancelNotificationsRequest): CancelSelection | undefined {
  if (cancelKey !== "") return { cancelKey, ...(userId === "" ? {} : { userId }) } as CancelSelection;
  return userId === "" ? undefined : { userId };
}

const contended = callError("UNAVAILABLE", "UNAVAILABLE", "deliveries changed while they were being cancelled; repeat the call");

const toMessage = ({ delivery: { id, state }, outcome }: CancelledDelivery): CancelledMessage => ({
  deliveryId: id,
  outcome: OUTCOME[outcome],
  state: stateToProto(state),
});

/** How many deliveries had each outcome. */
const countsOf = (deliveries: readonly CancelledDelivery[]) =>
  Object.fromEntries([...Map.groupBy(deliveries, ({ outcome }) => outcome)].map(([outcome, of]) => [outcome, of.length]));
