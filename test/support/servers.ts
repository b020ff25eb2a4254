// Real servers for tests, each with an empty directory that is removed at the end.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LocalRedisOptions, type LocalServer, startLocalNats, startLocalRedis } from "../../cli/dev/local-servers.ts";

/** `await using nats = await startNats();` */
export const startNats = (): Promise<LocalServer> => inScratch("nats", (directory) => startLocalNats({ directory }));

/** @param appendOnly "always" where a test restarts it and wants its data back */
export const startRedis = (appendOnly: LocalRedisOptions["appendOnly"] = "off"): Promise<LocalServer> =>
  inScratch("redis", (directory) => startLocalRedis({ directory, appendOnly }));

async function inScratch(name: string, start: (directory: string) => Promise<LocalServer>): Promise<LocalServer> {
  const directory = mkdtempSync(join(tmpdir(), `carillon-${name}-`));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const server = await start(directory);
    return {
      url: server.url,
      port: server.port,
      logFile: server.logFile,
      get pid() {
        return server.pid;
      },
      stop: () => server.stop(),
      kill: () => server.kill(),
      restart: () => server.restart(),
      [Symbol.asyncDispose]: async () => {
        await server.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}
