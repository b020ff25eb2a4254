import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../../cli/dev/find-server.ts";

/** The helm that scripts/kubernetes tools fetched, else the one on PATH; undefined where there is none. */
export function findHelm(): string | undefined {
  const fetched = join(cacheFolder(process.env), "kubernetes/bin/helm");
  if (existsSync(fetched)) return fetched;
  return spawnSync("helm", ["version"]).error ? undefined : "helm";
}
