import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connectNats, type Nats, natsVariables } from "../adapters/nats/connect.ts";
import { ensureStreams, streamVariables } from "../adapters/nats/streams.ts";
import { openStore } from "../adapters/store/open-store.ts";
import { type LocalServer, startLocalNats, startLocalRedis } from "../cli/dev/local-servers.ts";
import { grantApiKey } from "../operations/apps/apps.ts";
import { readConfig } from "../runtime/config.ts";
import { createLogger } from "../runtime/logger.ts";
import { type Program, startCarillon } from "./program.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A service as a process of its own. */
export interface Role extends Program {
  /** host:port by what listens there. */
  readonly addresses: Readonly<Record<string, string>>;
}

/** Real servers and a store in a temporary directory, and the variables that services need to use them. */
export interface World extends AsyncDisposable {
  readonly directory: string;
  readonly env: Record<string, string>;
  readonly storeUrl: string;
  readonly natsServer: LocalServer;
  readonly redisServer: LocalServer;
  /** Connected to the server, in which the streams are. */
  readonly nats: Nats;
  readonly manager: JetStreamManager;
  /** Of the app "bench". */
  readonly apiKey: string;
  /** Resolves once it says that it has started. */
  role(name: string): Promise<Role>;
}

/** @param store "sqlite", for one in the directory, or a URL */
export async function startWorld(store = "sqlite"): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const { path: directory } = stack.use(temporaryDirectory());
  const natsServer = stack.use(await startLocalNats({ directory: join(directory, "nats") }));
  const redisServer = stack.use(await startLocalRedis({ directory: join(directory, "redis") }));
  const storeUrl = store === "sqlite" ? `sqlite:${join(directory, "store.sqlite")}` : store;
  const apiKey = await createBenchKey(storeUrl);
  const token = join(directory, "token");
  writeFileSync(token, "a token of the bench, used nowhere else");
  const env: Record<string, string> = {
    HTTP_HOST: "127.0.0.1",
    HTTP_PORT: "0",
    STORE_URL: storeUrl,
    STORE_ALLOW_STANDALONE: "true",
    NATS_URL: natsServer.url,
    REDIS_URL: redisServer.url,
    // A bench measures what is possible, not what an app is allowed.
    APP_RATE_PER_SECOND: "100000",
    APP_BURST: "1000000",
    INTERNAL_TOKEN_FILE: token,
    GATEWAY_LISTEN: "127.0.0.1:0",
    PREFERENCES_LISTEN: "127.0.0.1:0",
    FEEDBACK_LISTEN: "127.0.0.1:0",
    FEEDBACK_URL: "http://127.0.0.1:0",
  };
  const nats = stack.use(await connectNats(readConfig(natsVariables, env), createLogger("bench", "silent")));
  await ensureStreams(nats, readConfig(streamVariables, env));
  const manager = await jetstreamManager(nats);
  const kept = stack.move();
  return {
    ...{ directory, env, storeUrl, natsServer, redisServer, nats, manager, apiKey },
    async role(name) {
      await using starting = new AsyncDisposableStack();
      const running = starting.use(startCarillon([name], env));
      const line = (await running.logged('"msg":"started"')).find((l) => l.includes('"msg":"started"'));
      const { addresses } = JSON.parse(line ?? "{}") as { addresses: Record<string, string> };
      starting.move();
      return Object.assign(running, { addresses });
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function createBenchKey(storeUrl: string): Promise<string> {
  await using opened = await openStore(storeUrl);
  return (await grantApiKey(opened.apps, { id: "bench" })).key;
}
