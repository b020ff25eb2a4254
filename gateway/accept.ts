import type { AppShares } from "../adapters/nats/app-shares.ts";
import { classFromProto } from "../adapters/wire/convert.ts";
import type { AppRecord } from "../core/apps/app.ts";
import { CONTENT_BOUNDS, type ContentBounds } from "../core/content/reference.ts";
import { CHANNELS, type Channel } from "../core/delivery/channel.ts";
import type { Failpoint } from "../core/failpoints.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { EventRecorder } from "../core/ports/event-recorder.ts";
import type { OptOuts } from "../core/ports/opt-outs.ts";
import type { TaskPublisher } from "../core/ports/queue.ts";
import type { Store } from "../core/ports/store.ts";
import { endpointsBytes } from "../core/quotas/cost.ts";
import { BatchFullError } from "../runtime/batch.ts";
import type { CallError } from "../runtime/call-error.ts";
import { errorLine, type Logger } from "../runtime/logger.ts";
import { createSampledLog } from "../runtime/sampled-log.ts";
import {
  CALL_BYTES_MAX,
  CALL_DELIVERIES_MAX,
  callTooLarge,
  HELD_BYTES_MAX,
  NOTIFICATION_BYTES_MAX,
  overloaded,
  tooLarge,
  unreadable,
} from "./accept-bounds.ts";
import { askOwnersToo, type OwnersAnswer } from "./address-opt-outs.ts";
import { createAppBudget } from "./app-budget.ts";
import { createAttachedBlobs } from "./attached-blobs.ts";
import { createEndpointsOf, createOwnersOf } from "./endpoints-of.ts";
import { type AcceptResult, createFirstAnswer, READS } from "./first-answer.ts";
import { createHeldBytes } from "./held-bytes.ts";
import type { Load } from "./load.ts";
import type { GatewayMetrics } from "./metrics.ts";
import { createPublishing } from "./publishing.ts";
import type { Quotas } from "./quotas.ts";
import { buildRecord, questionsOf, type Target, targetsOf } from "./route.ts";
import { type AcceptItem, type Candidate, destinationError, maySendSms, screen, targetsError } from "./screen.ts";
import { createStoring } from "./storing.ts";
import { createTurns, SLICE_ITEMS } from "./turns.ts";

export type { AcceptResult } from "./first-answer.ts";
export type { AcceptItem } from "./screen.ts";

/** Items of a call whose endpoints are in memory together. */
const CHUNK_ITEMS = 100;
export interface AcceptParts {
  store: Pick<Store, "notifications" | "contents" | "blobs" | "contacts">;
  /** Which contents are kept apart from their notifications, and for how long; absent: CONTENT_BOUNDS. */
  contentBounds?: ContentBounds | undefined;
  optOuts: OptOuts;
  publisher: TaskPublisher;
  /** Where an app has its share of a queue, the relay publishes its tasks. */
  shares: Pick<AppShares, "take">;
  recorder: EventRecorder;
  load: Load;
  quotas: Quotas;
  pushHosts: readonly string[];
  /** Beginnings of the numbers that apps without a list of their own may send SMS to; undefined: of every country. */
  smsPrefixes?: readonly string[] | undefined;
  /** Names of senders that apps without a list of their own may use; absent: none. */
  smsSenders?: readonly string[] | undefined;
  /** Senders that mails of apps without a list of their own may name; absent: none. */
  emailFrom?: readonly string[] | undefined;
  /** Channels that dispatchers serve; absent: all. */
  channelsServed?: readonly Channel[] | undefined;
  insertsWaitingMax: number;
  /** When the relay first evaluates a delivery whose published task had no effect. */
  watchdogFirstMs: number;
  failpoint: Failpoint;
  clock: Clock;
  log: Logger;
  metrics: GatewayMetrics;
}

/** A candidate with the endpoints of its recipient. */
interface Routed {
  candidate: Candidate;
  targets: Target[];
  heldBytes: number;
}

interface Call {
  /** What it has expanded to so far. */
  total: { deliveries: number; bytes: number };
  traceparent: string | undefined;
  results: AcceptResult[];
}

export interface Accept {
  /** One result per item, in order. Accepted items are durable when it resolves. */
  accept(app: AppRecord, items: readonly AcceptItem[], traceparent?: string): Promise<AcceptResult[]>;
  /** Resolves when no publish is in progress. */
  published(): Promise<void>;
}

export function createAccept(parts: AcceptParts): Accept {
  const {
    store,
    recorder,
    clock,
    log,
    metrics,
    failpoint,
    quotas,
    load,
    pushHosts,
    smsPrefixes,
    smsSenders = [],
    emailFrom = [],
    channelsServed = CHANNELS,
  } = parts;
  const optOuts = askOwnersToo(parts.optOuts, createOwnersOf(store.contacts, parts.insertsWaitingMax, clock));
  const endpointsOf = createEndpointsOf(store.contacts, parts.insertsWaitingMax, clock);
  const attached = createAttachedBlobs(store.blobs, parts.contentBounds ?? CONTENT_BOUNDS, clock);
  const held = createHeldBytes(HELD_BYTES_MAX);
  const publishing = createPublishing({ publisher: parts.publisher, notifications: store.notifications, recorder, clock, failpoint });
  const logFault = createSampledLog(log, "calls are answered UNAVAILABLE, to be repeated", () => clock.monotonic());
  const logLimit = createSampledLog(log, "calls of an app are rejected at a limit of that app", () => clock.monotonic());
  const turn = createTurns(clock);
  const budget = createAppBudget(READS, clock);
  const firstAnswer = createFirstAnswer({ notifications: store.notifications, reads: budget, rejected });
  const { answerRejected } = firstAnswer;
  const { storeOne, settle } = createStoring(parts, { ...firstAnswer, publishing, rejected, logFault });

  /** By what is known before any work: why an item is rejected, or undefined. */
  async function limitsOf(app: AppRecord, items: readonly AcceptItem[]): Promise<(CallError | undefined)[]> {
    const classes = items.map(({ message }) => message && classFromProto(message.notificationClass));
    const limits = classes.map((c) => (c !== undefined && load.isFull(c) ? overloaded() : undefined));
    const others = classes.flatMap((c, index) => (limits[index] ? [] : [{ index, c }]));
    const ofOthers = others.map(({ c }) => c);
    const errors = await quotas.takeRate(app, ofOthers);
    for (const [i, { index }] of others.entries()) limits[index] = errors[i];
    return limits;
  }

  /** The candidates that may be stored; the results of all others are set. What a limit rejects costs no more than a bounded number of reads. */
  async function admit(app: AppRecord, items: readonly AcceptItem[], results: AcceptResult[]): Promise<Candidate[]> {
    const limits = await limitsOf(app, items);
    const screened: Candidate[] = [];
    const answering: Promise<void>[] = [];
    let checked = 0;
    const answer = async (candidate: Candidate, limit?: CallError, mayRead?: boolean) => {
      results[candidate.index] = await answerRejected(app, candidate, limit, mayRead);
    };
    for (const [index, item] of items.entries()) {
      const limit = limits[index];
      if (limit && !budget(app.id)) {
        results[index] = rejected(limit);
        continue;
      }
      if (++checked % SLICE_ITEMS === 0) await turn(app.id);
      const candidate = screen(app, item, index, { now: clock.now(), pushHosts, smsPrefixes, smsSenders, emailFrom, channelsServed });
      if ("kind" in candidate) results[index] = rejected(candidate);
      else if (limit) answering.push(answer(candidate, limit, true));
      else if (candidate.error) answering.push(answer(candidate));
      else screened.push(candidate);
    }
    const wanted = screened.map(({ request: { notificationClass }, scheduled }) => ({ notificationClass, scheduled }));
    const full = await quotas.reserve(app, wanted);
    for (const [i, candidate] of screened.entries()) if (full[i]) answering.push(answer(candidate, full[i]));
    await Promise.all(answering);
    return screened.filter((_, i) => full[i] === undefined);
  }

  /** With the recipient's endpoints, unless they are more than this call or this process can hold. */
  async function route(app: AppRecord, candidate: Candidate, total: Call["total"]): Promise<Routed | CallError> {
    const { request, channels } = candidate;
    const { recipient } = request;
    const user = recipient.kind === "user" ? recipient.userId : undefined;
    const contacts = user === undefined ? [] : await endpointsOf.add({ app: app.id, userId: user, weight: app.limits.weight ?? 1 });
    const targets = targetsOf(request, channels, contacts).map(
      (target): Target => (maySendSms(app, target.endpoint, parts.smsPrefixes) ? target : { channel: target.channel, barred: true }),
    );
    if (targets.length > 0 && targets.every(({ barred }) => barred)) return destinationError(`${candidate.path}.recipient.user_id`);
    const error = targetsError(candidate, targets) ?? (await attached(app.id, candidate));
    if (error) return error;
    const heldBytes = endpointsBytes(targets);
    if (heldBytes > NOTIFICATION_BYTES_MAX) return tooLarge;
    if (total.deliveries + targets.length > CALL_DELIVERIES_MAX || total.bytes + heldBytes > CALL_BYTES_MAX) return callTooLarge;
    if (!held.hold(app.id, heldBytes)) return overloaded();
    total.deliveries += targets.length;
    total.bytes += heldBytes;
    return { candidate, targets, heldBytes };
  }

  /** Routes and builds a part of the call. Its inserts are under way when it resolves. */
  async function work(app: AppRecord, chunk: readonly Candidate[], call: Call): Promise<Promise<void>[]> {
    const routed: Routed[] = [];
    const routing = chunk.map(async (candidate) => {
      const found = await route(app, candidate, call.total).catch((error: unknown) => {
        if (error instanceof BatchFullError) return overloaded();
        throw error;
      });
      if (!("kind" in found)) routed.push(found);
      else {
        const isLimit = found.code === "RESOURCE_EXHAUSTED";
        const result = await answerRejected(app, isLimit ? candidate : { ...candidate, error: found }, isLimit ? found : undefined);
        settle(app, candidate, undefined, result, 1);
        call.results[candidate.index] = result;
      }
    });
    try {
      const settled = await Promise.allSettled(routing);
      for (const result of settled) if (result.status === "rejected") throw result.reason;
      const questions = routed.map(({ candidate, targets }) => questionsOf(app.id, candidate.request, targets));
      const answers = await optOuts.check(questions.flat());
      let at = 0;
      const storing: Promise<void>[] = [];
      for (const [i, ofOne] of questions.entries()) {
        if (i > 0 && i % SLICE_ITEMS === 0) await turn(app.id);
        storing.push(build(app, routed.shift()!, answers.slice(at, at + ofOne.length), call));
        storing.at(-1)?.catch(() => undefined); // accept() looks at it once the whole call is under way
        at += ofOne.length;
      }
      return storing;
    } finally {
      for (const { heldBytes } of routed) held.release(app.id, heldBytes);
    }
  }

  /** @param answers one for each target */
  async function build(app: AppRecord, one: Routed, answers: readonly OwnersAnswer[], call: Call): Promise<void> {
    const { candidate, targets } = one;
    const asked = answers.reduce((sum, { people }) => sum + people, 0);
    const { id, hash, request } = candidate;
    const { notificationClass } = request;
    // What is only validated is not published, and takes no room in a queue.
    const mayPublish = candidate.validateOnly
      ? undefined
      : (channel: Channel) => parts.shares.take({ app: app.id, channel, notificationClass });
    const fixed = { id, app: app.id, now: clock.now(), payloadHash: hash, traceparent: call.traceparent, mayPublish };
    const optOutAnswers = answers.map(({ answer }) => answer);
    const ofApp = { watchdogFirstMs: parts.watchdogFirstMs, hasOwnAccounts: app.accounts !== undefined };
    const record = buildRecord({ ...fixed, ...ofApp }, request, targets, optOutAnswers);
    try {
      call.results[candidate.index] = await storeOne(app, one, record, asked);
    } finally {
      held.release(app.id, one.heldBytes);
    }
  }

  function rejected(error: CallError): AcceptResult {
    if (error.quota) logLimit(error.reason, { app: error.quota.subject, limit: error.quota.description });
    metrics.rejected.inc({ reason: error.reason });
    return { kind: "rejected", error };
  }

  return {
    async accept(app, items, traceparent) {
      const results = new Array<AcceptResult>(items.length);
      const inserting: Promise<void>[] = [];
      try {
        const admitted = await admit(app, items, results);
        const call = { total: { deliveries: 0, bytes: 0 }, traceparent, results };
        for (let i = 0; i < admitted.length; i += CHUNK_ITEMS)
          inserting.push(...(await work(app, admitted.slice(i, i + CHUNK_ITEMS), call)));
      } catch (error) {
        logFault("store cannot be read", { err: errorLine(error) });
      }
      for (const { status } of await Promise.allSettled(inserting)) if (status === "rejected") logFault("store cannot be read", {});
      for (let i = 0; i < items.length; i++) results[i] ??= rejected(unreadable);
      return results;
    },
    published: () => publishing.settled(),
  };
}
