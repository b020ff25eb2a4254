import { Redis } from "ioredis";
import { secretFile, url } from "../../runtime/config.ts";
import { withDeadline } from "../../runtime/deadline.ts";
import { errorLine, type Logger } from "../../runtime/logger.ts";
import { UnreachableError } from "../unreachable.ts";
import { UnsafeSettingError } from "../unsafe-setting.ts";
import { readSettings, redisDangers } from "./settings.ts";

export const redisVariables = {
  REDIS_URL: url(["redis", "rediss"], {
    default: "redis://127.0.0.1:6379",
    reason: "Redis 7 or Valkey; rediss: is TLS. Holds only what can be rebuilt",
  }),
  REDIS_PASSWORD_FILE: secretFile({ default: "", reason: "password, where the URL holds none" }),
};

/** Deadline of the first connection, after which the start fails: half of what a role may take to start. */
const CONNECT_DEADLINE_MS = 5_000;
/** The same for a role that starts without Redis: enough for a server that is there. */
const CONNECT_OPTIONAL_MS = 1_000;
/** Deadline of one attempt to connect. */
const CONNECT_TRY_MS = 2_000;
/** A command takes well under 1 ms; beyond this, reading the store is faster. */
const COMMAND_DEADLINE_MS = 200;
/** A socket without an answer for this long is considered dead, even if it is open. */
const SILENCE_MS = 5_000;
/** Between attempts to reconnect. */
const RECONNECT_WAIT_MS = 500;

export type RedisConnection = Redis & AsyncDisposable;

/** For /readyz?verbose. */
export const redisCondition = (redis: Pick<Redis, "status">) => () =>
  redis.status === "ready"
    ? { holds: true, words: "connected" }
    : { holds: false, words: `not connected (${redis.status}): it is tried again every half second` };

export interface ConnectOptions {
  log: Logger;
  password?: string;
  connectDeadlineMs?: number;
  /** For a role that works without Redis: what it then does, for the log. It starts at once, and uses Redis when it can be reached. */
  withoutIt?: string;
}

/**
 * Connects, and from then on reconnects for ever. While disconnected every command rejects at once, and none is ever sent twice or late:
 * after a reconnection the server may have different data.
 * Unless `withoutIt` is given, rejects with an UnreachableError when the first connection is not made within CONNECT_DEADLINE_MS, with an UnsafeSettingError when
 * the server's settings are unsafe; such a server found on a reconnection is logged, and used.
 */
export async function connectRedis(
  redisUrl: string,
  { log, password, connectDeadlineMs = CONNECT_DEADLINE_MS, withoutIt }: ConnectOptions,
): Promise<RedisConnection> {
  const { host } = new URL(redisUrl);
  const redis = new Redis(withPassword(redisUrl, password), {
    lazyConnect: true,
    connectTimeout: CONNECT_TRY_MS,
    commandTimeout: COMMAND_DEADLINE_MS,
    socketTimeout: SILENCE_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    // The server became a replica: the address now leads to another master.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    retryStrategy: () => RECONNECT_WAIT_MS * (0.5 + Math.random() / 2),
  });
  let fault: unknown = new Error("no answer");
  let disconnected = false;
  redis.on("error", (error) => {
    fault = error;
  });
  const unreachable = () =>
    new UnreachableError("Redis", host, "start one with `redis-server`, or point REDIS_URL (and REDIS_PASSWORD_FILE) at yours", fault);
  const { promise: connected, resolve } = Promise.withResolvers<void>();
  redis.once("ready", () => resolve());
  // The failure is reported by the "error" event; ioredis keeps trying.
  redis.connect().catch(() => undefined);
  const isConnected = await withDeadline(
    connected.then(() => true),
    { limitMs: withoutIt === undefined ? connectDeadlineMs : Math.min(connectDeadlineMs, CONNECT_OPTIONAL_MS) },
    () => false,
  );
  if (!isConnected && withoutIt === undefined) {
    redis.disconnect();
    throw unreachable();
  }
  try {
    const danger = isConnected ? await dangerOf(redis, host, log) : undefined;
    if (danger && withoutIt === undefined) throw danger;
    if (danger) log.error({ redis: host, fault: danger.message }, "redis is not safe to use as it is");
  } catch (error) {
    if (withoutIt === undefined) {
      redis.disconnect();
      if (error instanceof UnsafeSettingError) throw error;
      fault = error;
      throw unreachable();
    }
    log.warn({ redis: host, fault: redisFault(error) }, "redis settings could not be read");
  }
  if (!isConnected) {
    log.warn({ redis: host, fault: redisFault(fault) }, `redis cannot be reached: ${withoutIt}`);
    disconnected = true;
  }
  redis.on("close", () => {
    if (!disconnected) log.warn({ redis: host, fault: redisFault(fault) }, "redis connection lost");
    disconnected = true;
  });
  redis.on("ready", () => {
    log.info({ redis: host }, "redis connection is back");
    disconnected = false;
    dangerOf(redis, host, log).then(
      (danger) => danger && log.error({ redis: host, fault: danger.message }, "redis is not safe to use as it is"),
      (error: unknown) => log.warn({ redis: host, fault: redisFault(error) }, "redis settings could not be read"),
    );
  });
  return Object.assign(redis, {
    [Symbol.asyncDispose]: async () => {
      disconnected = true;
      redis.disconnect();
    },
  });
}

/** In the URL, because a URL with a user alone has an empty password for ioredis, which it prefers to an option. */
function withPassword(redisUrl: string, password: string | undefined): string {
  const target = new URL(redisUrl);
  if (password && target.password === "") target.password = encodeURIComponent(password);
  return target.href;
}

/** Undefined: the settings are safe, or cannot be read. Rejects when Redis does not answer. */
async function dangerOf(redis: Redis, host: string, log: Logger): Promise<UnsafeSettingError | undefined> {
  const settings = await readSettings(redis);
  if (!settings) {
    log.warn({ redis: host }, "redis settings are not checked: its user may not use INFO; allow it with `ACL SETUSER … +info`");
    return undefined;
  }
  const dangers = redisDangers(settings);
  return dangers.length > 0 ? new UnsafeSettingError(`Redis at ${host}`, dangers) : undefined;
}

/**
 * One word for what went wrong. The error itself is not returned: it holds the command with its arguments, AUTH included.
 * Redis begins its own errors with such a word (READONLY, OOM, NOAUTH, …).
 */
export function redisFault(error: unknown): string {
  const { code, message } = errorLine(error);
  if (code) return code;
  if (message === "Command timed out") return "timeout";
  return /^[A-Z]{2,}\b/.exec(message)?.[0] ?? "not-connected";
}
