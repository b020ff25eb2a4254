import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Agent, request } from "undici";
import { hostPortText } from "../../runtime/host-port.ts";
import { parseJson } from "../../runtime/parse-json.ts";

/** A call to the API server, in ms: less than the 5 s after which the aggregator reports this API unavailable. */
const CALL_MS = 3_000;
/** Of a response: a ConfigMap is at most 1 MiB, and grows as JSON. */
const ANSWER_BYTES_MAX = 4 * 1_048_576;
/** Further calls wait. */
const CONNECTIONS_MAX = 4;

/** How a pod calls the API server: what the kubelet provides. */
export interface KubernetesAccess {
  host: string;
  port: number;
  /** Holds `token`, `ca.crt` and `namespace`. Read at each call: the kubelet renews them. */
  directory: string;
}

export type KubernetesAnswer = { kind: "answer"; code: number; body: unknown } | { kind: "unreachable"; why: string };

/** The API server, called as the pod's service account. */
export interface Kubernetes extends AsyncDisposable {
  get(path: string): Promise<KubernetesAnswer>;
  post(path: string, body: object): Promise<KubernetesAnswer>;
  /** The pod's; undefined where the directory holds none. */
  namespace(): Promise<string | undefined>;
}

export const hasServiceAccount = (directory: string) => existsSync(join(directory, "token"));

/** Never rejects; a call ends after CALL_MS. */
export function createKubernetes({ host, port, directory }: KubernetesAccess): Kubernetes {
  const origin = `https://${hostPortText(host, port)}`;
  const read = async (name: string) => (await readFile(join(directory, name), "utf8")).trim();
  let trusted: { ca: string; agent: Agent } | undefined;

  function agentFor(ca: string): Agent {
    if (trusted?.ca === ca) return trusted.agent;
    const former = trusted?.agent;
    trusted = { ca, agent: new Agent({ connections: CONNECTIONS_MAX, maxResponseSize: ANSWER_BYTES_MAX, connect: { ca } }) };
    // Calls on it may finish.
    former?.close().catch(() => undefined);
    return trusted.agent;
  }

  async function call(method: "GET" | "POST", path: string, body?: object): Promise<KubernetesAnswer> {
    try {
      const [token, ca] = await Promise.all([read("token"), read("ca.crt")]);
      const answer = await request(`${origin}${path}`, {
        method,
        dispatcher: agentFor(ca),
        headers: {
          authorization: `Bearer ${token}`,
          accept: "application/json",
          "user-agent": "carillon-autoscaler",
          ...(body ? { "content-type": "application/json" } : {}),
        },
        body: body ? JSON.stringify(body) : null,
        signal: AbortSignal.timeout(CALL_MS),
      });
      return { kind: "answer", code: answer.statusCode, body: parseJson(await answer.body.text()) };
    } catch (error) {
      return { kind: "unreachable", why: whyOf(error) };
    }
  }
  return {
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
    namespace: () => read("namespace").catch(() => undefined),
    [Symbol.asyncDispose]: async () => trusted?.agent.destroy(),
  };
}

/** A code, never the error: it may contain the request, and with it the token. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown fault";
  if (error.name === "TimeoutError") return `no answer within ${CALL_MS} ms`;
  const { code } = error as { code?: unknown };
  return typeof code === "string" && code !== "" ? code : error.name;
}
