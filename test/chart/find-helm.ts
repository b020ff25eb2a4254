import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The helm that scripts/kubernetes tools fetched, else the one on PATH; undefined where there is none. */
export function findHelm(): string | undefined {
  const { CARILLON_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = CARILLON_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "carillon");
  const fetched = join(cache, "kubernetes/bin/helm");
  if (existsSync(fetched)) return fetched;
  return spawnSync("helm", ["version"]).error ? undefined : "helm";
}
