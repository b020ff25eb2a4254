import type { Outcome } from "../core/delivery/outcome.ts";
import type { Provider } from "../core/ports/provider.ts";
import type { Logger } from "../runtime/logger.ts";

/** What an old account's rejection comes to: nothing was sent, and it is no news of the new one. */
const REPLACED: Outcome = { kind: "unavailable", fault: { code: "credentials-replaced" } };

/** A provider whose credentials may be exchanged while it works. */
export interface HotReloadingProvider extends Provider {
  /** Takes over for every call from now on; the one before is disposed of once its calls have ended. */
  replace(next: Provider): void;
  /** Disposes of it once its calls have ended; nothing may be sent with it any more. */
  retire(): Promise<void>;
}

/** @param first the same name, and the same ability to look up, as all that come after it */
export function hotReloading(first: Provider, log: Logger): HotReloadingProvider {
  let current = held(first);
  const retired = new Set<Held>();

  async function retire(old: Held): Promise<void> {
    retired.add(old);
    await old.ended();
    await release(old);
  }
  /** Once, whoever comes first. */
  async function release(old: Held): Promise<void> {
    if (!retired.delete(old)) return;
    try {
      await old.provider[Symbol.asyncDispose]();
    } catch (error) {
      log.warn({ err: error, provider: first.name }, "a provider that new credentials replaced could not be closed");
    }
  }

  return {
    name: first.name,
    async send(delivery, signal) {
      const mine = current;
      const outcome = await mine.during((provider) => provider.send(delivery, signal));
      return outcome.kind === "misconfigured" && mine !== current ? REPLACED : outcome;
    },
    ...(first.statusQuery
      ? { statusQuery: (question, signal) => current.during((provider) => provider.statusQuery!(question, signal)) }
      : {}),
    replace(next) {
      const old = current;
      current = held(next);
      void retire(old);
    },
    retire: () => retire(current),
    async [Symbol.asyncDispose]() {
      await Promise.all([...[...retired].map(release), current.provider[Symbol.asyncDispose]()]);
    },
  };
}

interface Held {
  provider: Provider;
  during<T>(call: (provider: Provider) => Promise<T>): Promise<T>;
  /** Resolves when no call is under way. */
  ended(): Promise<void>;
}

function held(provider: Provider): Held {
  let underWay = 0;
  let tell = () => {};
  return {
    provider,
    async during(call) {
      underWay++;
      try {
        return await call(provider);
      } finally {
        if (--underWay === 0) tell();
      }
    },
    ended: () =>
      new Promise((resolve) => {
        tell = resolve;
        if (underWay === 0) resolve();
      }),
  };
}
