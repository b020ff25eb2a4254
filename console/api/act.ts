import { type CancelOutcome, cancelNotifications } from "../../core/delivery/cancel.ts";
import { cancelReason } from "../../core/delivery/cancel-page.ts";
import { maskEndpoint } from "../../core/delivery/endpoint.ts";
import type { EventRecorder } from "../../core/ports/event-recorder.ts";
import type { Store } from "../../core/ports/store.ts";
import { type RedriveEnd, type RedriveReport, redrive } from "../../operations/dead-letters/redrive.ts";
import { logged } from "../../operations/steering/audit-log.ts";
import type { Session } from "../session.ts";
import type { Cancelled, Redriven } from "../view.ts";
import { type Fields, flagOf, RequestFault, readOrder, textOf } from "./route.ts";
import { CHANNEL_NAMES } from "./words.ts";

export interface ActParts {
  store: Pick<Store, "notifications" | "attempts" | "contents" | "blobs" | "steering" | "time">;
  recorder: EventRecorder;
}

const ID = /^[0-9a-f]{32}$/;

const OUTCOMES: Readonly<Record<CancelOutcome, string>> = {
  cancelled: "Cancelled before it was sent.",
  "in-flight": "In flight: an attempt had begun; it will not be repeated.",
  "in-doubt": "In doubt: the provider did not answer. It will not be sent again.",
  "too-late": "Too late: it had ended.",
};

/** Cancels what was not given to a provider, under an entry of the log of actions. */
export async function cancel({ store, recorder }: ActParts, body: Fields, session: Session): Promise<Cancelled> {
  const order = targeted(body, session);
  const n = await store.notifications.find(order.target);
  if (n === undefined) throw new RequestFault("there is no notification of this id", 404);
  const found = await logged(store, { ...order, action: "cancel" }, async (now) => {
    const reason = cancelReason({ actor: order.actor, text: order.reason });
    const result = await cancelNotifications({ store, recorder }, [n], { reason, now });
    const done = result.filter(({ outcome }) => outcome === "cancelled").length;
    return { result, words: `${done} of ${result.length} deliveries cancelled` };
  });
  return {
    deliveries: found.map(({ delivery: { channel, endpoint }, outcome }) => ({
      ...{ channelName: CHANNEL_NAMES[channel], endpoint: endpoint ? maskEndpoint(endpoint) : "" },
      ...{ words: OUTCOMES[outcome], isDone: outcome === "cancelled" },
    })),
  };
}

const LEFT_OUT: Readonly<Record<Exclude<RedriveEnd, "redriven">, string>> = {
  "may-be-sent": "may have been sent",
  expired: "expired",
  gone: "has an endpoint that is gone",
  "not-failed": "did not fail",
  changed: "changed meanwhile",
  unknown: "is not in the store",
  "content-lost": "has no content any more",
};

/** Begins a new run of the failed deliveries of a notification. */
export async function redriveOne({ store, recorder }: ActParts, body: Fields, session: Session): Promise<Redriven> {
  const [uncertain, dryRun] = [flagOf(body, "uncertain"), flagOf(body, "dryRun")];
  if (dryRun) return redriven(await run(idOf(body), await store.time()));
  const order = targeted(body, session);
  return logged(store, { ...order, action: "redrive" }, async (now) => {
    const result = redriven(await run(order.target, now));
    return { result, words: [`${result.redriven} redriven`, ...result.leftOut].join("; ") };
  });
  function run(id: string, now: number): Promise<RedriveReport> {
    return redrive(store, { kind: "ids", ids: [id] }, { terms: { uncertain }, now, recorder, dryRun });
  }
}

/** What became of those that were selected, in words. */
export const redriven = (report: RedriveReport): Redriven => ({
  redriven: report.redriven.count,
  leftOut: (Object.entries(LEFT_OUT) as [keyof typeof LEFT_OUT, string][]).flatMap(([end, words]) =>
    report[end].count === 0 ? [] : [`${report[end].count} ${words}`],
  ),
});

function idOf(body: Fields): string {
  const id = textOf(body, "notification", 100);
  if (!ID.test(id)) throw new RequestFault("notification must be an id of 32 hex digits");
  return id;
}

const targeted = (body: Fields, session: Session) => ({ ...readOrder(body, session), target: idOf(body) });
