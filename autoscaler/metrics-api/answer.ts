import type { Authorize } from "./authorize.ts";
import { type FrontProxy, identify, type Peer } from "./front-proxy.ts";
import { DISCOVERY, GROUP, METRIC, requiredPerSecond, type Served, VERSION } from "./metric.ts";
import { type Answer, failure, ok } from "./status.ts";

/** A request as https-service.ts reads it. */
export interface Request {
  method: string;
  /** Without the query, as sent. */
  path: string;
  query: URLSearchParams;
  headers: NodeJS.Dict<string[]>;
  peer: Peer;
}

export interface Answering extends Served {
  /** The only namespace that is answered, so that a release of the same name in another one is not scaled by this one; undefined: all. */
  namespace: string | undefined;
  frontProxy(): FrontProxy | undefined;
  authorize: Authorize;
  /** Called for each rejected request. `isUnverified`: without a client certificate of the front proxy's authority. */
  onRejected(why: string, isUnverified: boolean): void;
}

/** Serves external.metrics.k8s.io/v1beta1 with one metric. Every failure is a Status, on which an HPA keeps its pods. */
export function createAnswer(served: Answering): (request: Request) => Promise<Answer> {
  return async ({ method, path, query, headers, peer }) => {
    const frontProxy = served.frontProxy();
    if (!frontProxy) return failure("ServiceUnavailable", "the front proxy's certificate authority has not been read yet");
    const identified = identify(frontProxy, peer, headers);
    if (identified.kind === "rejected") {
      served.onRejected(identified.why, peer.kind !== "verified");
      return failure("Unauthorized", `only the API server may call: ${identified.why}`);
    }
    // Discovery needs no review: it is the same for everybody and holds no data, and the APIService must stay available without reviews.
    const document = Object.hasOwn(DISCOVERY, path) ? DISCOVERY[path] : undefined;
    if (document) return method === "GET" ? ok(document) : notAllowed(method);

    const wanted = parsePath(path);
    if (!wanted) return failure("NotFound", "nothing is served at this path");
    if (method !== "GET" || isTrue(query.get("watch"))) return notAllowed(method === "GET" ? "watch" : method);
    const { caller } = identified;
    const decision = await served.authorize(caller, wanted);
    if (decision.kind === "undecided") {
      served.onRejected(decision.why, false);
      return failure("ServiceUnavailable", `cannot review whether "${caller.user}" may read ${wanted.resource}: ${decision.why}`);
    }
    if (decision.kind === "denied") {
      const why = `"${caller.user}" ${decision.why}`;
      served.onRejected(why, false);
      return failure("Forbidden", why);
    }
    if (wanted.resource !== METRIC) return failure("NotFound", `there is no external metric ${wanted.resource}; this is served: ${METRIC}`);
    if (served.namespace !== undefined && wanted.namespace !== served.namespace)
      return failure("NotFound", `${METRIC} is served in namespace ${served.namespace} only`);
    return requiredPerSecond(served, query.get("labelSelector") ?? "");
  };
}

const notAllowed = (method: string) => failure("MethodNotAllowed", `${method} is not supported; GET is`);

/** As Kubernetes reads a query's booleans. */
const isTrue = (text: string | null) => text !== null && !["", "0", "false"].includes(text);

const PATH = new RegExp(`^/apis/${GROUP.replaceAll(".", "\\.")}/${VERSION}/namespaces/([^/]+)/([^/]+)$`);

function parsePath(path: string): { namespace: string; resource: string } | undefined {
  const [, namespace, resource] = PATH.exec(path) ?? [];
  if (namespace === undefined || resource === undefined) return undefined;
  try {
    return { namespace: decodeURIComponent(namespace), resource: decodeURIComponent(resource) };
  } catch {
    return undefined;
  }
}
