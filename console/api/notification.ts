import type { Content } from "../../core/content/content.ts";
import { smsSegments } from "../../core/content/sms.ts";
import { sentText } from "../../core/content/sms-content.ts";
import { contentPart } from "../../core/delivery/channel.ts";
import { maskEndpoint } from "../../core/delivery/endpoint.ts";
import {
  type Delivery,
  type DeliveryState,
  END_STATES,
  isOpen,
  type NotificationRecord,
  OPEN_STATES,
} from "../../core/delivery/notification.ts";
import type { AttemptRecord } from "../../core/ports/attempt-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { acceptance, attemptEvents, endEvents, type ShownEvent, STATES } from "../../operations/why/events.ts";
import { nextOf } from "../../operations/why/timeline.ts";
import { hasRole, type Session } from "../session.ts";
import type { DeliveryRow, NotificationEvent, NotificationView, ShownContent } from "../view.ts";
import { appText, freeText, recipientOf, userFor } from "./sight.ts";
import { CHANNEL_NAMES, stateOf, whyOf } from "./words.ts";

/** Attempts that are shown; of more, the last ones. */
const ATTEMPTS_MAX = 500;

type ReadStore = Pick<Store, "notifications" | "attempts" | "contents">;

/** Everything about one notification; undefined: the store has none of this id. */
export async function notificationView(store: ReadStore, id: string, session: Session, now: number): Promise<NotificationView | undefined> {
  const n = await store.notifications.find(id);
  if (n === undefined) return undefined;
  const attempts = (await store.attempts.between(id, id)).toSorted((a, b) => a.startedAt - b.startedAt || a.number - b.number);
  const made = Map.groupBy(attempts, ({ deliveryId }) => deliveryId);
  const of = (d: Delivery) => (made.get(d.id) ?? []).toSorted((a, b) => a.number - b.number);
  const shown = new Set(attempts.slice(-ATTEMPTS_MAX));
  const maySee = hasRole(session, "support");
  const about = recipientOf(n);
  return {
    ...{ id, key: maySee ? n.idempotencyKey : "", app: n.app, notificationClass: n.notificationClass, category: n.category },
    user: n.recipient.kind === "user" ? userFor(session, n.recipient.userId) : "",
    ...{ acceptedAt: n.acceptedAt, sendAt: n.sendAt, expiresAt: n.expiresAt },
    tags: Object.entries(n.tags ?? {}).map(([key, value]) => appText(session, `${key}=${value}`, about)),
    states: statesOf(n),
    lead: leadOf(n),
    deliveries: n.deliveries.map((d) => rowOf(n, d, of(d), now)),
    events: eventsOf(n, of, shown, now),
    earlierAttempts: attempts.filter((attempt) => isCall(attempt) && !shown.has(attempt)).length,
    content: maySee ? await contentOf(store, n) : [],
    contentGone: !maySee
      ? "The content is shown to the role support."
      : n.contentDeletedAt === undefined
        ? ""
        : `The content was deleted on ${new Date(n.contentDeletedAt).toISOString().slice(0, 10)}; states and attempts are kept.`,
    now,
  };
}

const ORDER: readonly DeliveryState[] = [...OPEN_STATES, ...END_STATES];

/** How many deliveries are in each state. */
export function statesOf({ deliveries }: Pick<NotificationRecord, "deliveries">): NotificationView["states"] {
  return ORDER.flatMap((state) => {
    const count = deliveries.filter((d) => d.state === state).length;
    return count === 0 ? [] : [{ state: stateOf({ state }), count }];
  });
}

function leadOf({ deliveries }: NotificationRecord): string {
  if (deliveries.length === 0) return "It has no delivery.";
  return ORDER.flatMap((state) => {
    const names = [...new Set(deliveries.filter((d) => d.state === state).map(({ channel }) => CHANNEL_NAMES[channel]))];
    return names.length === 0 ? [] : [`${names.join(", ")}: ${STATES[state].sentence.replace(/^In doubt: t/, "T")}`];
  }).join(" ");
}

const clock = (ms: number) => new Date(ms).toISOString().slice(11, 19);

function rowOf(n: NotificationRecord, d: Delivery, attempts: readonly AttemptRecord[], now: number): DeliveryRow {
  const last = attempts.at(-1);
  const next = nextOf(n, d, last, now);
  const calls = attempts.filter(isCall).length;
  const ended = `Ended ${clock(d.endedAt ?? n.acceptedAt)}${calls === 0 ? ", before any attempt" : ""}`;
  return {
    ...{ id: d.id, channel: d.channel, channelName: CHANNEL_NAMES[d.channel], endpoint: d.endpoint ? maskEndpoint(d.endpoint) : "" },
    ...{ state: stateOf(d), why: whyOf(n, d, now), attempts: calls },
    next: next === undefined ? ended : `At ${clock(next.at)}: ${next.words}`,
    ...ifCancelled(d, last),
    isFailed: d.state === "failed",
  };
}

function ifCancelled(d: Delivery, last: AttemptRecord | undefined): Pick<DeliveryRow, "ifCancelled" | "isCancellable"> {
  const isBusy = last !== undefined && last.number === d.attempt && last.outcome === undefined;
  if (d.state === "pending" && !isBusy) return { ifCancelled: "Will be cancelled before it was sent.", isCancellable: true };
  if (d.state === "pending") return { ifCancelled: "In flight: an attempt has begun; it will not be repeated.", isCancellable: true };
  if (d.state === "uncertain") return { ifCancelled: "In doubt: cannot be recalled and will not be sent again.", isCancellable: true };
  const isSent = d.state === "sent" || d.state === "delivered";
  return {
    ifCancelled: isSent ? "Too late: already sent." : `Nothing to cancel: ${STATES[d.state].word.toLowerCase()}.`,
    isCancellable: false,
  };
}

/** A number that was used up without a call is no attempt. */
const isCall = ({ outcome }: AttemptRecord) => outcome?.kind !== "void";

function eventsOf(
  n: NotificationRecord,
  of: (d: Delivery) => AttemptRecord[],
  shown: ReadonlySet<AttemptRecord>,
  now: number,
): NotificationEvent[] {
  const about = recipientOf(n);
  const own = (d: Delivery, attempt: string, events: readonly ShownEvent[]) =>
    events.map((event): NotificationEvent => {
      const title = freeText(event.title, about);
      return {
        ...{ ...event, channel: d.channel, attempt, detail: freeText(event.detail, about) },
        title: `${CHANNEL_NAMES[d.channel]}: ${title.slice(0, 1).toLowerCase()}${title.slice(1)}`,
      };
    });
  const past = n.deliveries.flatMap((d) => [
    ...of(d)
      .filter((attempt) => shown.has(attempt))
      .flatMap((attempt) => own(d, isCall(attempt) ? attempt.id : "", attemptEvents(attempt))),
    ...own(d, "", endEvents(d, of(d))),
  ]);
  const due = n.deliveries.flatMap((d): NotificationEvent[] => {
    const next = isOpen(d.state) ? nextOf(n, d, of(d).at(-1), now) : undefined;
    return next === undefined
      ? []
      : [
          {
            at: next.at,
            channel: d.channel,
            title: `${CHANNEL_NAMES[d.channel]} is looked at next`,
            detail: `${next.words}.`,
            mark: "next",
            attempt: "",
          },
        ];
  });
  const first: NotificationEvent = { ...acceptance(n), channel: "", attempt: "" };
  return [...due.sort((a, b) => b.at - a.at), ...[first, ...past].sort((a, b) => a.at - b.at).reverse()];
}

/** The parts of the content that a delivery carries, read from where they are kept. */
export async function partsOf({ contents }: Pick<Store, "contents">, n: NotificationRecord): Promise<Content> {
  const apart = await Promise.all(Object.values(n.contentHashes ?? {}).map((hash) => contents.get(n.app, hash)));
  return Object.assign({}, n.content, ...apart.filter((part) => part !== undefined));
}

async function contentOf(store: Pick<Store, "contents">, n: NotificationRecord): Promise<ShownContent[]> {
  if (n.contentDeletedAt !== undefined) return [];
  const content = await partsOf(store, n);
  return [...new Set(n.deliveries.map(({ channel }) => channel))].flatMap((channel): ShownContent[] => {
    const part = contentPart(channel);
    if (part === "push" && content.push) {
      const { title, body, subtitle = "" } = content.push;
      return [{ channel, kind: "push", title, body, subtitle, isShown: title !== "" || body !== "" }];
    }
    if (part === "sms" && content.sms) {
      const text = sentText(content.sms);
      return [{ channel, kind: "sms", text, size: content.sms.mediaUrls === undefined ? sizeWords(text) : "MMS" }];
    }
    if (part === "email" && content.email) {
      const { subject, html, text } = content.email;
      return [{ channel, kind: "email", subject, hasHtml: html !== "", text }];
    }
    return [];
  });
}

const ENCODINGS = { gsm7: "GSM-7", ucs2: "UCS-2" } as const;

function sizeWords(text: string): string {
  const { segments, encoding, units } = smsSegments(text);
  return `${segments} ${segments === 1 ? "segment" : "segments"}, ${ENCODINGS[encoding]}, ${units} characters`;
}
