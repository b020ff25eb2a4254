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

/** Longest call, in ms: a person who wrote does not expect an answer any more after it. */
const REPLY_MS = 10_000;
/** Replies under way at once, at most. Further ones are not sent: a person can write again. */
const REPLIES_MAX = 64;
/**
 * A text is remembered as answered for at least this long, in ms, and for twice as long at most: providers repeat a webhook for a day, and its signature is
 * accepted for an hour more. It begins with our own time, because a provider may date each repetition anew.
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
 * Confirms STOP and START, and answers HELP, by a text of its own. The confirmation of a STOP is sent although that STOP forbids texts, as US rules allow; whatever
 * else forbids them is obeyed. Each text is answered once at most: the process that takes the only place of the text's id makes one call, and nobody makes another,
 * whatever came of it. A text is left unanswered where that process dies in between.
 */
export function createReplies({ caps, isRefused, clock, log, metrics }: ReplyParts) {
  const underWay = new Set<Promise<void>>();

  async function reply({ replies, received, command, settings }: ReplyTo, text: string): Promise<string> {
    const { pools } = received;
    const { from, to, part } = received.text;
    // A number that is none of the account's, or a long text: each of its parts could be repeated under an id of its own.
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
   * Takes the only place of its id in two windows that overlap, the latest and the one before it: a repetition within ANSWERED_MS finds at least one of them
   * taken.
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
