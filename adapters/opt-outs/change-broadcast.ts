import type { Redis } from "ioredis";
import type { Logger } from "../../runtime/logger.ts";
import { parseJson } from "../../runtime/parse-json.ts";
import { redisFault } from "../redis/connect.ts";

const CHANNEL = "carillon:preferences";
/** For SUBSCRIBE; no call waits for it. */
const SUBSCRIBE_DEADLINE_MS = 2_000;

export interface PreferenceChanged {
  app: string;
  subject: string;
  version: number;
}

/**
 * Tells the caches of all processes that a subject's preferences changed. Delivered at most once: it makes a change visible sooner, and
 * correctness does not depend on it.
 */
export interface ChangeBroadcast extends AsyncDisposable {
  /** Rejects if Redis is unavailable or slow. */
  announce(change: PreferenceChanged): Promise<void>;
}

/** @param on.gap called whenever changes may have been missed: the connection closed, or the subscription started again */
export function createChangeBroadcast(
  redis: Redis,
  { on, log }: { on: { change(change: PreferenceChanged): void; gap(): void }; log: Logger },
): ChangeBroadcast {
  const subscriber = redis.duplicate({ commandTimeout: SUBSCRIBE_DEADLINE_MS });
  // The connection that it duplicates logs the error.
  subscriber.on("error", () => undefined);
  subscriber.on("close", on.gap);
  subscriber.on("ready", () => {
    subscriber.subscribe(CHANNEL).then(on.gap, (error) => {
      log.warn({ fault: redisFault(error) }, "subscribing to preference changes failed; retrying");
      if (subscriber.status === "ready") subscriber.disconnect(true);
    });
  });
  subscriber.on("message", (_channel, text) => {
    const change = parse(text);
    // A message that cannot be parsed may be about any subject.
    if (change) on.change(change);
    else on.gap();
  });
  // Announcements are heard only on the server that they are sent to.
  const follow = () => {
    if (subscriber.status === "ready") subscriber.disconnect(true);
  };
  redis.on("close", follow);
  subscriber.connect().catch(() => undefined);
  return {
    announce: async (change) => {
      await redis.publish(CHANNEL, JSON.stringify(change));
    },
    [Symbol.asyncDispose]: async () => {
      redis.off("close", follow);
      subscriber.removeAllListeners("close");
      subscriber.disconnect();
    },
  };
}

function parse(text: string): PreferenceChanged | undefined {
  const { app, subject, version } = (parseJson(text) ?? {}) as Partial<Record<keyof PreferenceChanged, unknown>>;
  return typeof app === "string" && typeof subject === "string" && typeof version === "number" ? { app, subject, version } : undefined;
}
