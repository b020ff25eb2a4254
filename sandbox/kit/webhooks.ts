import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Faults, WebhookAction } from "./faults.ts";
import { createTellText, type TellText } from "./inbound.ts";
import type { Receipts } from "./receipts.ts";
import type { Sent, WireAnswer } from "./simulator.ts";
import { createPoster, type PostCounts } from "./webhook-post.ts";
import type { WebhookEvent, WebhookWriter } from "./webhook-write.ts";

/** Between two webhooks of a message, and between the send and the first one, in ms. */
const STEP_MS = 5;
/** How long webhooks ordered to come early may delay the answer to the send, in ms: less than a dispatcher waits. */
const EARLY_MS_MAX = 2_000;

export interface WebhooksState extends PostCounts {
  target: string | undefined;
  /** Messages with webhooks still to come. */
  open: number;
}

export interface Webhooks {
  /** Base URL (http:) of the receiver, to which "/<provider>" is appended. undefined, as at the start: no webhooks. Throws RangeError. */
  target(url: string | undefined): void;
  state(): WebhooksState;
  /** Resolves once every webhook was answered 2xx or given up. */
  settled(): Promise<void>;
  /** Tells of a text that a person wrote, once. Rejects with a RangeError where the provider has none, or nobody is told. */
  tellText: TellText;
}

export interface WebhooksParts {
  writers: ReadonlyMap<string, WebhookWriter>;
  faults: Faults;
  /** Told of each that was sent; absent: nobody asks for them. */
  receipts?: Receipts;
  /** ms since the epoch. */
  now: () => number;
}

export interface WebhookSender extends Webhooks, Disposable {
  /** Reports the fate of a message: "accepted", then "delivered", unless ordered otherwise. Resolves when the send may be answered. */
  report(provider: string, sent: Sent, answer: WireAnswer): Promise<void>;
}

/** Sends the webhooks of the messages that providers accepted. */
export function createWebhooks({ writers, faults, receipts, now }: WebhooksParts): WebhookSender {
  const counts: PostCounts = { told: 0, repeated: 0, givenUp: 0 };
  const closing = new AbortController();
  let target: string | undefined;
  const posters = new Map([...writers].map(([provider, writer]) => [provider, { writer, ...createPoster(writer, () => target, counts) }]));
  const open = new Set<Promise<void>>();

  /** The events of a message, step by step; each step has one event for each of the message's parts. */
  function stepsOf(provider: string, refs: readonly string[], sent: Sent, order: Partial<WebhookAction>): WebhookEvent[][] {
    const end = order.undelivered === undefined || order.undelivered === false ? "delivered" : "undelivered";
    const reason = typeof order.undelivered === "string" ? order.undelivered : undefined;
    const steps = (["accepted", end] as const).map((kind) =>
      refs.map(
        (ref): WebhookEvent => ({ eventId: randomUUID(), kind, reason, sent, ref: ref || `${provider}-${randomUUID()}`, at: now() }),
      ),
    );
    const ordered = order.reversed ? steps.reverse() : steps;
    if (order.later !== undefined)
      ordered.push(refs.map((ref) => ({ eventId: randomUUID(), kind: "undelivered", reason: order.later, sent, ref, at: now() })));
    return order.twice ? ordered.flatMap((step) => [step, step]) : ordered;
  }

  const receiptOf = ({ kind, reason, sent }: WebhookEvent, taken: boolean) =>
    receipts?.add({ attemptId: sent.attemptId, kind, reason, at: now(), taken });

  return {
    target(url) {
      if (url !== undefined && !(URL.canParse(url) && new URL(url).protocol === "http:"))
        throw new RangeError("the target is an http: URL");
      target = url?.replace(/\/+$/, "");
    },
    state: () => ({ target, open: open.size, ...counts }),
    tellText: createTellText(writers, () => target),
    async settled() {
      while (open.size > 0) await Promise.all(open);
    },
    async report(provider, sent, answer) {
      const poster = posters.get(provider);
      if (target === undefined || poster === undefined || poster.writer.isWanted?.(sent, target) === false) return;
      const order: Partial<WebhookAction> = faults.takeWebhooks(provider, sent.recipient, sent.deliveryId) ?? {};
      if (order.never) return;
      const refs = poster.writer.refsIn(answer);
      const steps = stepsOf(provider, refs.length > 0 ? refs : [""], sent, order);
      const reporting = (async () => {
        for (const [index, step] of steps.entries()) {
          if (!order.early) await delay(index > 0 ? STEP_MS : (order.lateMs ?? STEP_MS), undefined, { signal: closing.signal });
          await Promise.all(step.map(async (event) => receiptOf(event, await poster.post(event))));
        }
      })().catch(() => undefined); // closing
      open.add(reporting);
      void reporting.then(() => open.delete(reporting));
      if (order.early)
        await Promise.race([reporting, delay(EARLY_MS_MAX, undefined, { signal: closing.signal, ref: false }).catch(() => undefined)]);
    },
    [Symbol.dispose]() {
      closing.abort();
      for (const poster of posters.values()) poster[Symbol.dispose]();
    },
  };
}
