import { createPageTokens } from "../adapters/page-tokens.ts";
import { type SearchPage, searchNotifications } from "../adapters/store/search.ts";
import { channelFromProto, classFromProto, endpointFromProto, stateFromProto } from "../adapters/wire/convert.ts";
import { toSummary, waitingFromProto } from "../adapters/wire/summary.ts";
import type { AppRecord } from "../core/apps/app.ts";
import { withoutEmpty } from "../core/content/codec.ts";
import { canonicalJson } from "../core/content/json.ts";
import { canonicalEndpoint } from "../core/delivery/endpoint.ts";
import { isReasonCode, REASON_CODES } from "../core/delivery/reason.ts";
import type { SearchFilter } from "../core/delivery/search.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import type { ListNotificationsRequest, ListNotificationsResponse } from "../gen/carillon/v1/notification_service.ts";
import { invalidRequest, type Violation } from "../runtime/call-error.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import type { Handler } from "../runtime/handler.ts";
import { sha256 } from "../runtime/hash.ts";
import { withStore } from "./with-store.ts";

const PAGE_SIZE_DEFAULT = 50;

export interface ListParts {
  store: Pick<Store, "notifications" | "attempts" | "contacts">;
  clock: Pick<Clock, "now">;
  /** Seal page tokens: every gateway of the installation has them. */
  tokens: () => readonly string[];
}

/** NotificationService.ListNotifications. */
export function createListHandler({
  store,
  clock,
  tokens,
}: ListParts): Handler<ListNotificationsRequest, ListNotificationsResponse, AppRecord> {
  const check = compileValidator("carillon.v1.ListNotificationsRequest");
  const pages = createPageTokens(tokens);
  return async (request, { caller }) => {
    const violations = check(request);
    if (violations.length === 0) violations.push(...findsNothing(request));
    if (violations.length > 0) return invalidRequest(violations);
    const filter = toFilter(request);
    const of = filterHash(caller.id, filter);
    const after = request.pageToken === "" ? undefined : pages.read(request.pageToken, of);
    if (request.pageToken !== "" && after === undefined) return invalidRequest([OTHER_TOKEN]);
    const [now, limit] = [clock.now(), request.pageSize || PAGE_SIZE_DEFAULT];
    return withStore(async () => {
      const page: SearchPage = await searchNotifications(store, { app: caller.id, filter, after, limit, now });
      return {
        notifications: page.notifications.map((n) => toSummary(n, now)),
        nextPageToken: page.next ? pages.seal(page.next, of) : "",
      };
    });
  };
}

/** Filters that nothing can pass: an empty answer would say that nothing happened. */
function findsNothing({ reasonCode, acceptedFrom, acceptedBefore }: ListNotificationsRequest): Violation[] {
  const found: Violation[] = [];
  if (reasonCode !== "" && !isReasonCode(reasonCode))
    found.push({ field: "reason_code", rule: "reason_code.known", message: `must be one of ${REASON_CODES.join(", ")}` });
  if (acceptedFrom && acceptedBefore && acceptedFrom >= acceptedBefore)
    found.push({ field: "accepted_before", rule: "accepted_before.order", message: "must be after accepted_from" });
  return found;
}

function toFilter(request: ListNotificationsRequest): SearchFilter {
  const { userId, category, reasonCode, tag, providerRef, idempotencyKey } = request;
  const endpoint = endpointFromProto(request.endpoint);
  return withoutEmpty({
    ...{ userId, category, reasonCode, tag, providerRef, idempotencyKey },
    endpoint: endpoint && canonicalEndpoint(endpoint),
    states: request.states.flatMap((state) => stateFromProto(state) ?? []),
    channels: request.channels.flatMap((channel) => channelFromProto(channel) ?? []),
    notificationClass: classFromProto(request.notificationClass),
    waitingFor: waitingFromProto(request.waitingFor),
    from: request.acceptedFrom?.getTime(),
    before: request.acceptedBefore?.getTime(),
  });
}

/** Tells filters apart: a token goes on with the one that it was made for. */
const filterHash = (app: string, filter: SearchFilter) => sha256("search", app, canonicalJson(filter)).slice(0, 32);

const OTHER_TOKEN = {
  field: "page_token",
  rule: "page_token.filter",
  message: "must be a next_page_token that was answered for this very filter",
};
