// The chart's dependencies on this machine: NATS, Redis, a store, providers; and the namespace whose pods are processes.
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../adapters/store/open-store.ts";
import type { LocalServer } from "../../cli/dev/local-servers.ts";
import type { Store } from "../../core/ports/store.ts";
import { grantApiKey } from "../../operations/apps/apps.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { createAuthority } from "../support/certificates.ts";
import { startNats, startRedis } from "../support/servers.ts";
import type { Cluster } from "./cluster.ts";
import { openFolder } from "./folder.ts";
import { type Kubelet, startKubelet } from "./processes.ts";
import { serveServices } from "./services.ts";

/** scripts/kubernetes leaves its pods alone. */
export const NAMESPACE = "processes";
export const APP = "cluster";

export interface System extends AsyncDisposable {
  directory: string;
  sandbox: Sandbox;
  nats: LocalServer;
  redis: LocalServer;
  /** Opened beside the services. */
  store: Store;
  storeUrl: string;
  apiKey: string;
  kubelet: Kubelet;
}

export async function startSystem(cluster: Cluster, say: (line: string) => void): Promise<System> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(openFolder("carillon-cluster-system-")).path;
  mkdirSync(join(directory, "providers"));
  const [nats, redis, sandbox] = await Promise.all([startNats(), startRedis(), startSandbox({ directory: join(directory, "providers") })]);
  for (const part of [nats, redis, sandbox]) stack.use(part);
  const storeUrl = `sqlite:${join(directory, "carillon.sqlite")}`;
  const store = stack.use(await openStore(storeUrl));
  const { key: apiKey } = await grantApiKey(store.apps, { id: APP, channels: ["webpush"] });

  await cluster.kubectl(["create", "namespace", NAMESPACE]);
  const { WEBPUSH_VAPID_PRIVATE_KEY_FILE = "", PROVIDER_CA_FILE = "" } = sandbox.env;
  const authority = await createAuthority("carillon cluster");
  const { cert, key } = await authority.issue({ names: ["carillon-preferences", "carillon-autoscaler"] });
  for (const [name, stringData] of Object.entries({
    "internal-token": { token: randomBytes(32).toString("base64url") },
    "internal-tls": { "tls.crt": cert, "tls.key": key, "ca.crt": authority.cert },
    webpush: { "vapid-private-key": readFileSync(WEBPUSH_VAPID_PRIVATE_KEY_FILE, "utf8") },
    "provider-ca": { "ca.crt": readFileSync(PROVIDER_CA_FILE, "utf8") },
  })) {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name }, stringData };
    await cluster.kubectl(["apply", "-n", NAMESPACE, "-f", "-"], { input: JSON.stringify(secret) });
  }
  const network = stack.use(serveServices(cluster.api, NAMESPACE, join(directory, "names.json"), say));
  const kubelet = stack.use(
    startKubelet({
      ...{ api: cluster.api, namespace: NAMESPACE, directory, namesFile: network.namesFile, apiPort: cluster.port, say },
      // Halves the CPU time of a start.
      env: { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
    }),
  );
  const kept = stack.move();
  return { ...{ directory, sandbox, nats, redis, store, storeUrl, apiKey, kubelet }, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}
