import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./store-server.ts";

/** How long mongod may take to end after SIGTERM, in ms, before it is killed. */
const STOP_MS = 10_000;

/** Why tests of MongoDB are skipped where findMongoServer() finds none. */
export const NO_MONGODB = "skipped, MONGODB_URI is not set and no mongod is on PATH; `make test-mongodb` brings up a server";

/** The server that MONGODB_URI names, else the machine's own mongod with an empty directory; undefined where there is neither. */
export async function findMongoServer(): Promise<({ uri: string } & AsyncDisposable) | undefined> {
  const given = process.env.MONGODB_URI;
  return given ? { uri: given, [Symbol.asyncDispose]: async () => {} } : startMongod();
}

/** Undefined where there is none on PATH. The client waits until it answers. */
async function startMongod(): Promise<({ uri: string } & AsyncDisposable) | undefined> {
  if (spawnSync("mongod", ["--version"]).error) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "carillon-mongod-"));
  const port = await freePort();
  const options = ["--dbpath", directory, "--bind_ip", "127.0.0.1", "--port", String(port), "--unixSocketPrefix", directory];
  const mongod = spawn("mongod", options, { stdio: "ignore" });
  const ended = once(mongod, "exit");
  return {
    uri: `mongodb://127.0.0.1:${port}/`,
    [Symbol.asyncDispose]: async () => {
      const timer = setTimeout(() => mongod.kill("SIGKILL"), STOP_MS);
      mongod.kill("SIGTERM");
      await ended;
      clearTimeout(timer);
      rmSync(directory, { recursive: true });
    },
  };
}

/** The same server and user, another database; the user's authentication database stays the same. */
export function withDatabase(uri: string, name: string): string {
  const [, origin, path, query] = /^([^:]+:\/\/[^/?]+)\/?([^?]*)\??(.*)$/.exec(uri)!;
  const authSource = origin?.includes("@") && !query?.includes("authSource=") ? [`authSource=${path || "admin"}`] : [];
  return `${origin}/${name}?${[...(query ? [query] : []), ...authSource].join("&")}`;
}
