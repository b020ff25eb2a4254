import { webhookEventId } from "../../adapters/ids.ts";
import type { WebhookSigner } from "../../adapters/webhook-secrets.ts";
import type { Clock, Random } from "../../core/ports/clock.ts";
import type { ContactStore } from "../../core/ports/contact-store.ts";
import type { WebhookStore } from "../../core/ports/webhook-store.ts";
import { afterCall, type CallResult, faultOf, isGone, isOverloaded, isSuccess, pauseMs, retryDelayMs } from "../../core/webhooks/answer.ts";
import { isActive, signingSecrets, type WebhookEndpoint } from "../../core/webhooks/endpoint.ts";
import { eventBody, keyOf, type WebhookEvent } from "../../core/webhooks/event.ts";
import type { Logger } from "../../runtime/logger.ts";
import { createStateLog } from "../../runtime/state-log.ts";
import type { RelayMetrics } from "../metrics.ts";
import { aboutOf, withoutAddresses } from "./about.ts";
import { CALLS_MAX, type WebhookCalls } from "./call.ts";

/** After something of ours failed, in ms: the endpoint is left alone for so long, and its events stay as they are. */
const OWN_FAULT_MS = 5_000;

export interface LaneParts {
  store: { webhooks: WebhookStore; contacts: Pick<ContactStore, "find"> };
  signer: WebhookSigner;
  openCalls(): WebhookCalls;
  clock: Clock;
  random: Random;
  log: Logger;
  metrics: Pick<RelayMetrics, "webhookCalls" | "webhookGivenUp">;
}

/** Sends the events of one endpoint, and knows nothing of the others. Disposal ends its calls; their events stay due. */
export interface WebhookLane extends AsyncDisposable {
  /** As it is stored now. */
  take(endpoint: WebhookEndpoint): void;
  /** Begins to send what is due, and goes on until nothing is left. Rejects where the store cannot be read. */
  pump(): Promise<void>;
  /** Begins no further call; resolves once none is under way. */
  drain(): Promise<void>;
}

export function createWebhookLane(app: string, first: WebhookEndpoint, parts: LaneParts): WebhookLane {
  const { store, signer, clock, random, metrics } = parts;
  const log = parts.log.child({ app, webhook: first.name });
  const state = createStateLog(
    log,
    { lost: "events of a webhook endpoint cannot be sent, because of us", back: "events of a webhook endpoint can be sent again" },
    clock.monotonic,
  );
  const calls = parts.openCalls();
  const stopping = new AbortController();
  const inFlight = new Map<string, Promise<void>>();
  /** Events that ended while due ones were being read: what was read may still hold them. */
  let ended = new Set<string>();
  let endpoint = first;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  /** The last call failed: one at a time, until one succeeds. */
  let isTroubled = false;
  let isWarned = false;
  let isDraining = false;
  let [isPumping, again] = [false, false];
  let noting = Promise.resolve();

  const pause = (ms: number) => {
    pausedUntil = Math.max(pausedUntil, clock.monotonic() + ms);
  };
  const isWaiting = () => isDraining || stopping.signal.aborted || clock.monotonic() < pausedUntil;
  const free = () => (isWaiting() ? 0 : (isTroubled ? 1 : CALLS_MAX) - inFlight.size);

  async function pump(): Promise<void> {
    if (isPumping) {
      again = true;
      return;
    }
    isPumping = true;
    try {
      do {
        again = false;
        if (!isActive(endpoint) || free() <= 0) return;
        ended = new Set();
        const due = await store.webhooks.due(app, endpoint.name, clock.now(), inFlight.size + free());
        for (const event of due) {
          const key = keyOf(event);
          if (inFlight.has(key) || ended.has(key) || free() <= 0) continue;
          inFlight.set(key, tell(event, key));
        }
      } while (again);
    } finally {
      isPumping = false;
    }
  }

  async function tell(event: WebhookEvent, key: string): Promise<void> {
    try {
      await send(event);
      state.works();
    } catch (error) {
      state.fails({ err: error });
      pause(OWN_FAULT_MS);
    }
    inFlight.delete(key);
    ended.add(key);
    // Where the store cannot be read, the next round finds out.
    void pump().catch(() => undefined);
  }

  /** Rejects where the store fails; then the event is sent again, with the same id. */
  async function send(event: WebhookEvent): Promise<void> {
    const called = endpoint;
    const now = clock.now();
    const body = eventBody(withoutAddresses(event.change), await aboutOf(event.change, store.contacts));
    const message = { id: webhookEventId(event.change), seconds: Math.floor(now / 1_000), body };
    const headers = signer.headers(message, signingSecrets(called, now));
    if (headers === undefined)
      throw new Error("no secret of the endpoint can be opened: see that WEBHOOK_KEYS_FILE holds the key that sealed it");
    const result = await calls.post(called.url, { headers, body }, stopping.signal);
    // It may have arrived.
    if (stopping.signal.aborted && result.kind === "none") return;
    metrics.webhookCalls.inc({
      result: isSuccess(result) ? "ok" : isGone(result) ? "gone" : isOverloaded(result) ? "overloaded" : "failed",
    });
    isTroubled = !isSuccess(result);
    pause(pauseMs(result));
    noting = noting.catch(() => undefined).then(() => note(called, result));
    await Promise.all([settle(event, result), noting]);
  }

  async function settle(event: WebhookEvent, result: CallResult): Promise<void> {
    if (isSuccess(result)) return store.webhooks.end(event);
    const tries = event.tries + 1;
    const delayMs = retryDelayMs(tries, result, random);
    if (delayMs !== undefined) return store.webhooks.postpone(event, { due: clock.now() + Math.round(delayMs), tries });
    await store.webhooks.end(event);
    metrics.webhookGivenUp.inc();
    log.error({ event: webhookEventId(event.change), tries, fault: faultOf(result) }, "gave up telling an app of a change of preferences");
  }

  /** What the call says of the endpoint, unless an operator changed its URL meanwhile. */
  async function note(called: WebhookEndpoint, result: CallResult): Promise<void> {
    if (endpoint.url !== called.url) return;
    const now = clock.now();
    const after = afterCall(endpoint, result, now, isWarned);
    if (after.news === undefined) return;
    if (after.news === "will be disabled") isWarned = true;
    else {
      const stored = await store.webhooks.change(app, (before) =>
        before.map((one) => (one.name === called.name && one.url === called.url ? afterCall(one, result, now, true).endpoint : one)),
      );
      endpoint = stored.find(({ name }) => name === called.name) ?? after.endpoint;
      if (after.news !== "disabled") isWarned = false;
    }
    const since = endpoint.failingSince === undefined ? {} : { failingSince: new Date(endpoint.failingSince).toISOString() };
    if (after.news === "works again") log.info({}, "a webhook endpoint works again");
    else if (after.news !== "disabled") log.warn({ ...since, fault: faultOf(result) }, `a webhook endpoint ${after.news}`);
    else await giveUpAll({ ...since, fault: faultOf(result) });
  }

  async function giveUpAll(why: object): Promise<void> {
    const dropped = await store.webhooks.forget(app, endpoint.name);
    metrics.webhookGivenUp.inc(dropped);
    log.error(
      { ...why, dropped },
      "a webhook endpoint was disabled, and the app is told nothing more; `carillon app webhook set` enables it again",
    );
  }

  return {
    take(next) {
      if (next.url !== endpoint.url || (isActive(next) && !isActive(endpoint))) {
        pausedUntil = Number.NEGATIVE_INFINITY;
        [isTroubled, isWarned] = [false, false];
      }
      endpoint = next;
    },
    pump,
    async drain() {
      isDraining = true;
      await Promise.all(inFlight.values());
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all(inFlight.values());
      await calls[Symbol.asyncDispose]();
    },
  };
}
