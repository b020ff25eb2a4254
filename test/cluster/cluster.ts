// A new control plane from scripts/kubernetes, with kubectl and helm.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { cacheFolder } from "../../cli/dev/find-server.ts";
import { isFreePort } from "../../cli/dev/local-servers.ts";
import { type Api, connectApi } from "./api.ts";
import { type CommandOptions, command, type Ran, succeeds } from "./command.ts";
import { openFolder } from "./folder.ts";

export interface Cluster extends AsyncDisposable {
  port: number;
  kubeconfig: string;
  api: Api;
  /** Rejects where it fails. */
  kubectl(args: readonly string[], options?: CommandOptions): Promise<string>;
  /** As it ended. */
  tryKubectl(args: readonly string[], options?: CommandOptions): Promise<Ran>;
  helm(args: readonly string[], options?: CommandOptions): Promise<string>;
  tryHelm(args: readonly string[], options?: CommandOptions): Promise<Ran>;
}

const SCRIPT = join(import.meta.dirname, "../../scripts/kubernetes");
/** It takes this one and the five after it; the next try is ten higher. */
const FIRST_PORT = 16_443;
const PORTS = 6;
const PORT_TRIES = 20;
/** 20 s on two idle cores. */
const START_MS = 180_000;
const STOP_MS = 60_000;

export async function startCluster(): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const port = await freePorts();
  // When this process ends, even by SIGKILL, the pipe closes and the cluster is stopped.
  const watcher = spawn("/bin/sh", ["-c", 'read -r _; exec "$1" stop "$2"', "sh", SCRIPT, `${port}`], {
    ...{ detached: true, stdio: ["pipe", "ignore", "ignore"] },
  });
  watcher.unref();
  stack.defer(async () => {
    await command(SCRIPT, ["stop", `${port}`], { withinMs: STOP_MS });
    watcher.kill("SIGKILL");
  });
  const kubeconfig = (await succeeds(SCRIPT, ["start", `${port}`], { withinMs: START_MS })).trim();
  const pki = join(dirname(kubeconfig), "pki");
  const file = (name: string) => join(pki, name);
  const api = stack.use(
    connectApi({ origin: `https://127.0.0.1:${port}`, caFile: file("ca.crt"), certFile: file("admin.crt"), keyFile: file("admin.key") }),
  );

  // helm uses its own caches, not the user's.
  const home = stack.use(openFolder("carillon-cluster-helm-")).path;
  const env = {
    KUBECONFIG: kubeconfig,
    HELM_CACHE_HOME: join(home, "cache"),
    HELM_CONFIG_HOME: join(home, "config"),
    HELM_DATA_HOME: join(home, "data"),
  };
  const bin = (name: string) => join(cacheFolder(process.env), "kubernetes/bin", name);
  const as = (options: CommandOptions | undefined) => ({ ...options, env: { ...env, ...options?.env } });
  const kept = stack.move();
  return {
    ...{ port, kubeconfig, api },
    kubectl: (args, options) => succeeds(bin("kubectl"), args, as(options)),
    tryKubectl: (args, options) => command(bin("kubectl"), args, as(options)),
    helm: (args, options) => succeeds(bin("helm"), args, as(options)),
    tryHelm: (args, options) => command(bin("helm"), args, as(options)),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function freePorts(): Promise<number> {
  for (let tried = 0; tried < PORT_TRIES; tried++) {
    const first = FIRST_PORT + 10 * tried;
    const free = await Promise.all(Array.from({ length: PORTS }, (_, i) => isFreePort(first + i)));
    if (free.every((f) => f)) return first;
  }
  throw new Error(`no ${PORTS} ports in a row are free from ${FIRST_PORT} on`);
}
