import { endpointId } from "../adapters/ids.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import { accountFor, NO_ACCOUNTS } from "../core/apps/accounts.ts";
import type { AppRecord } from "../core/apps/app.ts";
import { type Endpoint, maskEndpoint } from "../core/delivery/endpoint.ts";
import type { AppStore } from "../core/ports/app-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import { refusalOf } from "../core/preferences/answer.ts";
import type { Block } from "../core/preferences/block.ts";
import type { PreferenceChange } from "../core/preferences/change.ts";
import { endpointSubject, type PreferenceRecord } from "../core/preferences/opt-out.ts";
import { type SmsCommand, smsCommandOf } from "../core/preferences/sms-words.ts";
import type { InboundText } from "../providers/transport/inbound-text.ts";
import { inParallel } from "../runtime/in-parallel.ts";
import type { Logger } from "../runtime/logger.ts";
import { cut } from "../runtime/text.ts";
import { changeOnce, unavailable } from "./change-once.ts";
import type { PreferenceAccess } from "./choices.ts";
import type { FeedbackMetrics } from "./metrics.ts";
import { createTextParts } from "./text-parts.ts";

/** A text as it came to an account of a provider. */
export interface ReceivedText {
  provider: string;
  account: string;
  text: InboundText;
  /** The account's senders that it was written to; empty: it is not known which. */
  pools: readonly string[];
}

/** What it asks for; `isNew`: it changed something, so that it is no repetition. */
export type TextEffect = { command: SmsCommand | undefined; isNew: boolean };

export interface InboundTextParts {
  apps: Pick<AppStore, "list">;
  preferences: PreferenceAccess;
  clock: Pick<Clock, "now" | "monotonic" | "sleep">;
  log: Logger;
  metrics: FeedbackMetrics;
}

/** Characters of a text that stand as evidence for what the provider took it for. */
const WORD_MAX = 64;
/** The list of apps is read again after this, in ms: many people answer one campaign. */
const APPS_LIFE_MS = 5_000;
/** Subjects changed at once, of one text. */
const CONCURRENCY = 16;
/**
 * For how long a change is tried again while the store is unavailable, in ms: not every provider repeats what was answered 503. With the last try, which may
 * take 5.8 s, it stays below the 10 s that a route may take.
 */
export const TEXT_MS_MAX = 4_000;
const AGAIN_MS = 500;

/**
 * STOP, START and HELP. STOP blocks the person's number for the senders that the text was written to, in every app that they serve: it is one sender for
 * who gets its texts, and which of the apps was meant is not said. Where the account has no such sender, as far as is known, all of them are blocked. START lifts
 * exactly those blocks. It is a version of its own also where nothing is lifted, so that its repetition is known and lifts no later STOP.
 */
export function createInboundTexts({ apps, preferences, clock, log, metrics }: InboundTextParts) {
  const parts = createTextParts(clock);
  let listed: { at: number; apps: Promise<AppRecord[]> } | undefined;

  function allApps(): Promise<AppRecord[]> {
    const now = clock.monotonic();
    if (listed && now - listed.at <= APPS_LIFE_MS) return listed.apps;
    const entry = { at: now, apps: Array.fromAsync(apps.list()) };
    listed = entry;
    entry.apps.catch(() => {
      if (listed === entry) listed = undefined;
    });
    return entry.apps;
  }

  /** Whether anything was written. @param id of the text: of one in parts the same whichever part came last */
  async function obey({ command, word, id }: Order, received: ReceivedText): Promise<boolean> {
    const { provider, account, text, pools } = received;
    const subject = endpointSubject(endpointId(endpointOf(text)));
    const served = (await allApps()).filter((app) => isServedBy(app, received));
    const origin = { actor: provider, source: "inbound-sms", evidence: `${id} ${word}` };
    const sentAt = text.sentAt === undefined ? undefined : Math.min(text.sentAt, clock.now());
    const at = sentAt ?? clock.now();
    const blockOf = (pool: Block["pool"]): Block => ({ kind: "stop", pool, reason: word, source: provider, at });
    const changeOf = (app: AppRecord) =>
      command === "stop" ? stopped(poolsIn(app, pools).map(blockOf), sentAt, origin) : started(poolsIn(app, pools), sentAt, origin);
    let changed = 0;
    await inParallel(served, CONCURRENCY, async (app) => {
      if ((await changeOnce(preferences, { app: app.id, subject }, changeOf(app))) === "changed") changed += 1;
    });
    const line = { provider, account, command, endpoint: maskEndpoint(endpointOf(text)), pools, apps: served.length, changed };
    if (pools.length === 0) log.warn(line, "a text to a sender that the account does not have: it counts for all of its senders");
    else log.info(line, "a person answered a text");
    return changed > 0;
  }

  async function obeyInTime(order: Order, received: ReceivedText): Promise<boolean> {
    const giveUpAt = clock.monotonic() + TEXT_MS_MAX;
    for (;;) {
      try {
        return await obey(order, received);
      } catch (error) {
        if (!(error instanceof StoreError) || clock.monotonic() + AGAIN_MS >= giveUpAt) throw error;
        await clock.sleep(AGAIN_MS);
      }
    }
  }

  /** Whether something besides a STOP says that the number gets no texts, in any app that the account serves. */
  async function isRefused(received: ReceivedText): Promise<boolean> {
    const subject = endpointSubject(endpointId(endpointOf(received.text)));
    const now = clock.now();
    let refused = false;
    await inParallel(
      (await allApps()).filter((app) => isServedBy(app, received)),
      CONCURRENCY,
      async ({ id }) => {
        const record = (await preferences.get(id, subject)) ?? unavailable();
        const blocks = record.blocks.filter(({ kind }) => kind !== "stop");
        refused ||= refusalOf([{ ...record, blocks }], REPLY, now) !== undefined;
      },
    );
    return refused;
  }

  return {
    isRefused,
    /** Durable when resolved. Rejects with a StoreError where the store stays unavailable. */
    async take(received: ReceivedText): Promise<TextEffect> {
      const { provider, account, text } = received;
      const count = (command: string) => metrics.texts.inc({ provider, account, command });
      const whole = text.part ? parts.join(`${text.from} ${text.to[0]}`, text.part, text) : { ...text, forget: () => undefined };
      const found = text.command ? { command: text.command, word: cut(text.text, WORD_MAX).trim() } : smsCommandOf(whole?.text ?? "");
      if (found === undefined) {
        whole?.forget();
        count(whole === undefined ? "part" : "none");
        return { command: undefined, isNew: false };
      }
      const { command, word } = found;
      const isNew = command === "help" || (await obeyInTime({ command, word, id: whole?.id ?? text.id }, received));
      // Not before it is durable: the provider repeats the part that was not, and no other.
      whole?.forget();
      count(command);
      return { command, isNew };
    },
  };
}

/** What a reply to a person's text asks of their preferences. */
const REPLY = { channel: "sms", category: "*", notificationClass: "transactional", default: "opted-in" } as const;

interface Order {
  command: "stop" | "start";
  word: string;
  id: string;
}

const endpointOf = ({ from }: InboundText): Endpoint => ({ channel: "sms", phoneNumber: from });

/** Also where the app may not send texts any more: what it sent before is what is answered. */
const isServedBy = ({ accounts }: AppRecord, { provider, account }: ReceivedText) =>
  accountFor(accounts ?? NO_ACCOUNTS, { name: provider, channel: "sms" }) === account;

/** Of these senders those that the app may send from: all where it has no list, and always the default one. */
function poolsIn({ limits: { smsSenders } }: AppRecord, pools: readonly string[]): (string | undefined)[] {
  return pools.length === 0 ? [undefined] : pools.filter((pool) => pool === "" || (smsSenders?.includes(pool) ?? true));
}

const isStopOf = (pool: Block["pool"]) => (block: Block) => block.kind === "stop" && block.pool === pool;

/** A block that is there is written anew where this STOP is known to be later: a START from between the two, which comes late, must not lift it. */
function stopped(wanted: readonly Block[], sentAt: number | undefined, origin: PreferenceChange["origin"]) {
  return ({ blocks }: PreferenceRecord): PreferenceChange | undefined => {
    const holds = (block: Block) => sentAt === undefined || block.at >= sentAt;
    const block = wanted.filter(({ pool }) => !blocks.some((known) => isStopOf(pool)(known) && holds(known)));
    return block.length === 0 ? undefined : { block, origin };
  };
}

/** The blocks as they were read, one that comes meanwhile stays, as does one later than the START. Never undefined: its evidence has to stand in the history. */
function started(pools: readonly Block["pool"][], sentAt: number | undefined, origin: PreferenceChange["origin"]) {
  return ({ blocks }: PreferenceRecord): PreferenceChange => {
    const lift = blocks.filter((block) => (sentAt === undefined || block.at <= sentAt) && pools.some((pool) => isStopOf(pool)(block)));
    return { lift, origin };
  };
}
