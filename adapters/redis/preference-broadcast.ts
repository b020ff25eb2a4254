import type { Redis } from "ioredis";
import type { Logger } from "../../runtime/logger.ts";
import { redisFault } from "./connect.ts";

const CHANNEL = "carillon:preferences";
/** For SUBSCRIBE; nobody waits for it. */
const SUBSCRIBE_DEADLINE_MS = 2_000;

export interface PreferenceChanged {
  app: string;
  subject: string;
  version: number;
}

/** Tells every process that a subject's preferences changed: at most once, so it may only make things faster. */
export interface PreferenceBroadcast extends AsyncDisposable {
  /** Rejects when Redis is away or slow. */
  announce(change: PreferenceChanged): Promise<void>;
}

/** @param heard.gap called whenever something may have been missed: the line dropped, or listening has begun again */
export function createPreferenceBroadcast(
  redis: Redis,
  { heard, log }: { heard: { change(change: PreferenceChanged): void; gap(): void }; log: Logger },
): PreferenceBroadcast {
  const subscriber = redis.duplicate({ commandTimeout: SUBSCRIBE_DEADLINE_MS });
  // Told by the connection it is a copy of.
  subscriber.on("error", () => undefined);
  subscriber.on("close", heard.gap);
  subscriber.on("ready", () => {
    subscriber.subscribe(CHANNEL).then(heard.gap, (error) => {
      log.warn({ fault: redisFault(error) }, "cannot listen for changed preferences; trying again");
      if (subscriber.status === "ready") subscriber.disconnect(true);
    });
  });
  subscriber.on("message", (_channel, text) => {
    const change = parse(text);
    // What we do not understand may concern anybody.
    if (change) heard.change(change);
    else heard.gap();
  });
  subscriber.connect().catch(() => undefined);
  return {
    announce: async (change) => {
      await redis.publish(CHANNEL, JSON.stringify(change));
    },
    [Symbol.asyncDispose]: async () => {
      subscriber.removeAllListeners("close");
      subscriber.disconnect();
    },
  };
}

function parse(text: string): PreferenceChanged | undefined {
  try {
    const { app, subject, version } = JSON.parse(text);
    return typeof app === "string" && typeof subject === "string" && typeof version === "number" ? { app, subject, version } : undefined;
  } catch {
    return undefined;
  }
}
