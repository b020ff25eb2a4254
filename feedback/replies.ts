import { randomUUID } from "node:crypto";
import { endpointId } from "../adapters/ids.ts";
import type { CapStore } from "../core/ports/cap-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import { endpointSubject } from "../core/preferences/opt-out.ts";
import type { SmsCommand } from "../core/preferences/sms-words.ts";
import type { TextReplies, WebhookSettings } from "../providers/transport/webhook.ts";
import type { Logger } from "../runtime/logger.ts";
import type { ReceivedText } from "./inbound-texts.ts";
import type { FeedbackMetrics } from "./metrics.ts";

/** Of one call, in ms: who wrote has the answer by then, or does not expect it any more. */
const REPLY_MS = 10_000;
/** Replies under way; further ones are not sent, because a person can write again. */
const REPLIES_MAX = 64;
/**
 * A text is remembered as answered for one to two of these, in ms: providers repeat a webhook for a day, and signatures hold for an hour more. A provider's time of a text may
 * change with each repetition, so that the time of ours counts.
 */
const ANSWERED_MS = 172_800_000;

export interface ReplyParts {
  caps: Pick<CapStore, "take">;
  /** Whether something besides a STOP says that the person gets no texts. Rejects where it cannot be read. */
  isRefused(received: ReceivedText): Promise<boolean>;
  clock: Pick<Clock, "now">;
  log: Logger;
  metrics: Pick<FeedbackMetrics, "replies">;
}

/** A person's text that is to be answered. */
export interface ReplyTo {
  replies: TextReplies;
  received: ReceivedText;
  command: SmsCommand;
  settings: WebhookSettings;
}

/**
 * Confirms STOP and START, and answers HELP, by a text of its own. It goes to people who have just stopped, past that STOP alone: US rules allow one
 * confirmation. Each text is answered once at most: the first who takes the only place of its id calls, once, and whatever became of that call, nobody calls
 * again. So a process that dies in between leaves it unanswered.
 */
export function createReplies({ caps, isRefused, clock, log, metrics }: ReplyParts) {
  const underWay = new Set<Promise<void>>();

  async function reply({ replies, received, command, settings }: ReplyTo, text: string): Promise<string> {
    const { pools } = received;
    const { from, to, part } = received.text;
    // Nobody's number, or a long text, of which each part could be repeated with an id of its own.
    if (pools.length === 0 || part !== undefined || to[0] === undefined) return "ignored";
    if (await isRefused(received)) return "refused";
    const send = await replies.load();
    if (!(await isFirst(received))) return "repeated";
    const outcome = await send({ from: to[0], to: from, text }, settings, AbortSignal.timeout(REPLY_MS));
    if (outcome.kind !== "accepted")
      log.warn({ provider: received.provider, account: received.account, command, outcome }, "a reply to a person's text was not accepted");
    return outcome.kind;
  }

  /**
   * Takes the only place of its id in the window that began last, and then in the one before, which overlap: a repetition within ANSWERED_MS asks for a place
   * that is taken.
   */
  async function isFirst({ provider, account, text: { id, from } }: ReceivedText): Promise<boolean> {
    const subject = endpointSubject(endpointId({ channel: "sms", phoneNumber: from }));
    const place = { app: `${provider}/${account}`, subject, category: `reply/${id}`, max: 1, notificationId: randomUUID() };
    const latest = Math.floor(clock.now() / ANSWERED_MS);
    for (const n of [latest, latest - 1]) {
      const window = { from: n * ANSWERED_MS, until: (n + 2) * ANSWERED_MS };
      if (!(await caps.take([{ ...place, window }]))[0]) return false;
    }
    return true;
  }

  return {
    /** In the background: the provider waits for the answer to its webhook. */
    begin(to: ReplyTo): void {
      const { received, command } = to;
      const { provider, account } = received;
      const text = to.replies.textOf(command, to.settings);
      if (text === undefined) return;
      const count = (result: string) => metrics.replies.inc({ provider, account, command, result });
      if (underWay.size >= REPLIES_MAX) {
        count("dropped");
        return;
      }
      const replying = reply(to, text).then(count, (error: unknown) => {
        count("failed");
        log.warn({ err: error, provider, account, command }, "a person's text was not answered");
      });
      const done = replying.finally(() => underWay.delete(done));
      underWay.add(done);
    },
    /** Once none is under way. */
    async settled(): Promise<void> {
      await Promise.all(underWay);
    },
  };
}
