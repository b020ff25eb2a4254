import { openStore } from "../../adapters/store/open-store.ts";
import { createWebhookSigner } from "../../adapters/webhook-secrets.ts";
import type { Store } from "../../core/ports/store.ts";
import type { PreferenceChange } from "../../core/preferences/change.ts";
import { userSubject } from "../../core/preferences/opt-out.ts";
import { setWebhook } from "../../operations/apps/webhooks.ts";
import { createRelayMetrics } from "../../relay/metrics.ts";
import { createWebhookCalls } from "../../relay/webhooks/call.ts";
import { keepWebhooks, ROUND_MS } from "../../relay/webhooks/keep-webhooks.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { createAddressFilter } from "../../runtime/outbound.ts";
import { eventually } from "./eventually.ts";
import { createFakeClock } from "./fake-clock.ts";
import { hexId, sampleApp } from "./store/samples.ts";
import { startWebhookReceiver, type WebhookReceiver } from "./webhook-receiver.ts";

export const KEYS = ["a key of thirty-two characters, w"];
export const APP = "shop";

/** A store with an app and its endpoints at real receivers, relays that tell it, and a clock that advances while no call is on its way. */
export async function webhookWorld({ allowed = ["127.0.0.0/8"] }: { allowed?: string[] } = {}) {
  const stack = new AsyncDisposableStack();
  const store: Store = stack.use(await openStore("sqlite::memory:"));
  await store.apps.change(APP, () => sampleApp());
  const clock = createFakeClock(Date.now());
  const lines: string[] = [];
  const registry = createMetrics("test", { defaults: false });
  const receivers: WebhookReceiver[] = [];
  const secrets: Record<string, string> = {};
  /** Calls under way, of every relay. */
  let open = 0;
  const openCalls = () => {
    const calls = createWebhookCalls(createAddressFilter(allowed), clock);
    return {
      ...calls,
      post: async (...given: Parameters<typeof calls.post>) => {
        open++;
        return calls.post(...given).finally(() => open--);
      },
    };
  };
  const metrics = createRelayMetrics(registry);

  async function addEndpoint(name: string, url?: string): Promise<WebhookReceiver> {
    const receiver = stack.use(await startWebhookReceiver());
    receivers.push(receiver);
    secrets[name] = (await setWebhook(store, APP, { name, url: url ?? receiver.url }, KEYS)).secret!;
    return receiver;
  }

  /** A relay, until it is stopped. @param keysNow those of WEBHOOK_KEYS_FILE */
  function startRelay(keysNow: () => readonly string[] = () => KEYS) {
    const ending = new AbortController();
    const running = keepWebhooks({
      ...{ store, clock, openCalls, worker: hexId(), signal: ending.signal, random: () => 0 },
      signer: createWebhookSigner(keysNow),
      log: createLogger("test", "info", { write: (line) => void lines.push(line) }),
      metrics,
    });
    const stop = async () => {
      ending.abort();
      let isEnded = false;
      void running.then(() => {
        isEnded = true;
      });
      await eventually("the relay has stopped", () => {
        // It waits for its calls, by the clock.
        clock.advance(ROUND_MS);
        return isEnded;
      });
    };
    stack.defer(stop);
    return { stop };
  }

  const held = () => receivers.reduce((sum, receiver) => sum + receiver.held(), 0);
  return {
    ...{ store, clock, lines, secrets, addEndpoint, startRelay },
    metrics: () => registry.registry.metrics(),
    endpoint: async (name: string) => (await store.webhooks.find(APP)).find((one) => one.name === name),
    change: (userId: string, change: Partial<PreferenceChange> = {}) =>
      store.preferences.update(
        APP,
        userSubject(userId),
        { optOut: [{ channel: "sms", category: "ads" }], origin: { source: "test" }, ...change },
        clock.now(),
      ),
    /** Advances the clock while it waits, unless a call is on its way that no receiver holds. @param stepMs of the clock */
    until: (what: string, holds: () => boolean | Promise<boolean>, stepMs = ROUND_MS) =>
      eventually(what, async () => {
        if (open <= held()) clock.advance(stepMs);
        return holds();
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
