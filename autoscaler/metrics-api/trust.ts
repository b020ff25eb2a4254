import { readFile } from "node:fs/promises";
import type { Logger } from "../../runtime/logger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { type FrontProxy, frontProxyOf, parseFrontProxy } from "./front-proxy.ts";
import type { Kubernetes } from "./kubernetes-service.ts";

const CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
const NAMED = "ConfigMap kube-system/extension-apiserver-authentication";

/** Where the front proxy's certificate authority is read from. */
export type TrustSource =
  | { kind: "cluster" }
  | {
      kind: "file";
      path: string;
      /** Common names; none: every certificate of that authority. */
      names: readonly string[];
    };

export type TrustRead =
  | { kind: "read"; frontProxy: FrontProxy }
  /** `lasting`: only an operator can fix it. */
  | { kind: "unreadable"; why: string; lasting: boolean };

export function createTrustReader(source: TrustSource, kubernetes: Pick<Kubernetes, "get"> | undefined): () => Promise<TrustRead> {
  if (source.kind === "file") return () => fromFile(source.path, source.names);
  // A bug: metricsApiOptions() rejects this.
  if (!kubernetes) throw new Error('TrustSource "cluster" needs a cluster');
  return () => fromCluster(kubernetes);
}

async function fromFile(path: string, names: readonly string[]): Promise<TrustRead> {
  try {
    const frontProxy = frontProxyOf(await readFile(path, "utf8"), names);
    return frontProxy ? { kind: "read", frontProxy } : unreadable("the front proxy's CA file holds no certificate");
  } catch (error) {
    return unreadable(`the front proxy's CA file cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

async function fromCluster(kubernetes: Pick<Kubernetes, "get">): Promise<TrustRead> {
  const answer = await kubernetes.get(CONFIG_MAP);
  if (answer.kind === "unreachable") return { ...unreadable(`the API server cannot be reached: ${answer.why}`), lasting: false };
  if (answer.code === 403)
    return unreadable(
      `${NAMED} may not be read: bind the Role extension-apiserver-authentication-reader of kube-system to the service account`,
    );
  if (answer.code !== 200) return { ...unreadable(`${NAMED}: the API server answered ${answer.code}`), lasting: false };
  const { data } = (answer.body ?? {}) as { data?: unknown };
  const frontProxy = typeof data === "object" && data !== null ? parseFrontProxy(data as Record<string, unknown>) : undefined;
  return frontProxy
    ? { kind: "read", frontProxy }
    : unreadable(`${NAMED} has no requestheader-client-ca-file: the API server runs without an aggregation layer`);
}

const unreadable = (why: string) => ({ kind: "unreadable" as const, why, lasting: true });

class UntrustedError extends OperatorError {
  override name = "UntrustedError";
  constructor(why: string) {
    super(`external.metrics.k8s.io cannot be served: ${why}`);
  }
}

/** The front proxy as last read; a read that fails leaves it as it was. */
export interface Trust {
  current(): FrontProxy | undefined;
  /** Resolves to whether it changed. Calls during a read share it. */
  refresh(): Promise<boolean>;
}

/** Rejects with an UntrustedError where only an operator can fix the cause. An unreachable API server is asked again later. */
export async function openTrust(read: () => Promise<TrustRead>, log: Pick<Logger, "info" | "warn">): Promise<Trust> {
  let frontProxy: FrontProxy | undefined;
  let logged: string | undefined;
  let reading: Promise<boolean> | undefined;

  function take(result: TrustRead): boolean {
    if (result.kind === "unreadable") {
      if (logged !== result.why) log.warn({ why: result.why, kept: frontProxy !== undefined }, "front proxy authority cannot be read");
      logged = result.why;
      return false;
    }
    logged = undefined;
    if (JSON.stringify(frontProxy) === JSON.stringify(result.frontProxy)) return false;
    frontProxy = result.frontProxy;
    log.info({ names: frontProxy.names }, "front proxy authority read");
    return true;
  }
  const first = await read();
  if (first.kind === "unreadable" && first.lasting) throw new UntrustedError(first.why);
  take(first);
  return {
    current: () => frontProxy,
    refresh() {
      reading ??= read()
        .then(take)
        .finally(() => {
          reading = undefined;
        });
      return reading;
    },
  };
}
