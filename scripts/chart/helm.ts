import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../../cli/dev/find-server.ts";

export const CHART = join(import.meta.dirname, "../../deploy/helm/carillon");
export const CACHE = cacheFolder(process.env);
/** Installed by `scripts/kubernetes tools`. */
const HELM = join(CACHE, "kubernetes/bin/helm");

/** A render takes 0.2 s and prints 0.2 MB; the limits are for loaded machines and large values. */
const OPTIONS = { encoding: "utf8", timeout: 60_000, maxBuffer: 64 * 1_048_576 } as const;

export type HelmResult = { kind: "done"; stdout: string } | { kind: "failed"; stderr: string };

export function helm(args: readonly string[]): HelmResult {
  try {
    return { kind: "done", stdout: execFileSync(HELM, args, { ...OPTIONS, stdio: ["ignore", "pipe", "pipe"] }) };
  } catch (error) {
    return failure(error);
  }
}

/** The same, asynchronously. */
export async function helmAsync(args: readonly string[]): Promise<HelmResult> {
  try {
    return { kind: "done", stdout: (await promisify(execFile)(HELM, args, OPTIONS)).stdout };
  } catch (error) {
    return failure(error);
  }
}

function failure(error: unknown): HelmResult {
  const { stderr, stdout, code } = error as { stderr?: string; stdout?: string; code?: string };
  if (code === "ENOENT") throw new Error(`${HELM} is missing: run scripts/kubernetes tools`);
  return { kind: "failed", stderr: `${stdout ?? ""}${stderr ?? ""}` };
}
