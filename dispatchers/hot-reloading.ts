import { notCalled } from "../core/delivery/outcome.ts";
import type { Provider } from "../core/ports/provider.ts";
import type { Logger } from "../runtime/logger.ts";

/** The outcome where replaced credentials were rejected: nothing was sent, and nothing was called with the new ones. */
const REPLACED = notCalled("credentials-replaced");

/** A provider whose credentials can be replaced while calls are in flight. */
export interface HotReloadingProvider extends Provider {
  /** Used for every call from now on; the previous one is disposed of once its calls have ended. */
  replace(next: Provider): void;
  /** Disposes of it once its calls have ended; nothing may be sent with it any more. */
  retire(): Promise<void>;
}

/** @param first has the same name as all that replace it, and a route and a status query exactly if they have one */
export function hotReloading(first: Provider, log: Logger): HotReloadingProvider {
  let current = refCounted(first);
  const retired = new Set<RefCounted>();

  async function retire(old: RefCounted): Promise<void> {
    retired.add(old);
    await old.ended();
    await release(old);
  }
  /** Disposes once, also where both retire() and the disposal call it. */
  async function release(old: RefCounted): Promise<void> {
    if (!retired.delete(old)) return;
    try {
      await old.provider[Symbol.asyncDispose]();
    } catch (error) {
      log.warn({ err: error, provider: first.name }, "a replaced provider could not be disposed of");
    }
  }

  return {
    name: first.name,
    async send(delivery, signal, mayBegin) {
      const mine = current;
      const outcome = await mine.during((provider) => provider.send(delivery, signal, mayBegin));
      return outcome.kind === "misconfigured" && mine !== current ? REPLACED : outcome;
    },
    ...(first.route ? { route: (what) => current.provider.route!(what) } : {}),
    ...(first.statusQuery
      ? { statusQuery: (question, signal) => current.during((provider) => provider.statusQuery!(question, signal)) }
      : {}),
    replace(next) {
      const old = current;
      current = refCounted(next);
      void retire(old);
    },
    retire: () => retire(current),
    async [Symbol.asyncDispose]() {
      await Promise.all([...[...retired].map(release), current.provider[Symbol.asyncDispose]()]);
    },
  };
}

interface RefCounted {
  provider: Provider;
  during<T>(call: (provider: Provider) => Promise<T>): Promise<T>;
  /** Resolves when no call is under way. */
  ended(): Promise<void>;
}

function refCounted(provider: Provider): RefCounted {
  let underWay = 0;
  let resolveEnded = () => {};
  return {
    provider,
    async during(call) {
      underWay++;
      try {
        return await call(provider);
      } finally {
        if (--underWay === 0) resolveEnded();
      }
    },
    ended: () =>
      new Promise((resolve) => {
        resolveEnded = resolve;
        if (underWay === 0) resolve();
      }),
  };
}
