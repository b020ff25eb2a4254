import type { Redis } from "ioredis";
import { hostPortText } from "../../runtime/host-port.ts";
import { compareVersions, parseVersion, type Version } from "../../runtime/version.ts";
import type { Danger } from "../unsafe-setting.ts";

/** Redis 7.0, whose commands Carillon uses. Valkey reports 7.2.4 as its redis_version. */
const VERSION_MIN: Version = [7, 0, 0];
/** A busy server may miss the deadline of one command; one that misses this many is unavailable. */
const READ_TRIES = 5;

/** As INFO names them. Unlike CONFIG GET, managed servers and careful ACLs allow it. */
export type RedisSettings = Readonly<Record<string, string>>;

/** Undefined where the user may not use INFO. Rejects when Redis does not answer. */
export async function readSettings(redis: Redis): Promise<RedisSettings | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      const lines = (await redis.info()).split("\r\n").filter((line) => line.includes(":"));
      return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("NOPERM")) return undefined;
      if (tries === READ_TRIES) throw error;
    }
  }
}

/** Pure. A setting that the server does not report is not checked. */
export function redisDangers(settings: RedisSettings): Danger[] {
  const dangers: Danger[] = [];
  const { redis_version: version, redis_mode: mode, role, maxmemory, maxmemory_policy: policy } = settings;
  const parsed = parseVersion(version ?? "");
  if (version && parsed && compareVersions(parsed, VERSION_MIN) < 0)
    dangers.push({
      setting: "redis_version",
      value: version,
      why: "commands we use are not there",
      fix: "run Redis 7 or newer, or Valkey",
    });
  if (mode && mode !== "standalone") {
    const fix = "point REDIS_URL at one server outside a cluster: what it holds is small, and may vanish";
    dangers.push({ setting: "redis_mode", value: mode, why: "it answers for a part of the keys, or for none", fix });
  }
  if (role && role !== "master") {
    const { master_host, master_port } = settings;
    const fix = `point REDIS_URL at its master${master_host ? `, ${hostPortText(master_host, master_port ?? "")}` : ""}`;
    dangers.push({ setting: "role", value: role, why: "it takes no write", fix });
  }
  if (Number(maxmemory) > 0 && policy && policy !== "noeviction") {
    const why = `with maxmemory ${maxmemory} it drops rejections and claims when full, and each question goes to the store`;
    const fix = "CONFIG SET maxmemory-policy noeviction, and the same in redis.conf";
    dangers.push({ setting: "maxmemory-policy", value: policy, why, fix });
  }
  return dangers;
}
