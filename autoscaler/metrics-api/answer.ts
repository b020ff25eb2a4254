import type { Authorize } from "./authorize.ts";
import { type FrontProxy, identify, type Peer } from "./front-proxy.ts";
import { DISCOVERY, GROUP, METRIC, requiredPerSecond, type Served, VERSION } from "./metric.ts";
import { type Answer, failure, ok } from "./status.ts";

/** What there is to know of a request; https-service.ts makes it. */
export interface Request {
  method: string;
  /** Without the query, as it was sent. */
  path: string;
  query: URLSearchParams;
  headers: NodeJS.Dict<string[]>;
  peer: Peer;
}

export interface Answering extends Served {
  /** Where the metric is read, so that an installation of the same name elsewhere is not scaled by this one's; undefined: anywhere. */
  namespace: string | undefined;
  frontProxy(): FrontProxy | undefined;
  authorize: Authorize;
  /** Somebody was turned away. `isStranger`: with a certificate we do not know the signer of, or none. */
  onOptedOut(why: string, isStranger: boolean): void;
}

/** external.metrics.k8s.io/v1beta1, for one metric. Everything that is no answer is a Status, which an HPA takes as "keep what there is". */
export function createAnswer(served: Answering): (request: Request) => Promise<Answer> {
  return async ({ method, path, query, headers, peer }) => {
    const frontProxy = served.frontProxy();
    if (!frontProxy) return failure("ServiceUnavailable", "the front proxy's certificate authority has not been read yet");
    const identified = identify(frontProxy, peer, headers);
    if (identified.kind === "stranger") {
      served.onOptedOut(identified.why, peer.kind !== "verified");
      return failure("Unauthorized", `only the API server may ask: ${identified.why}`);
    }
    // The same for everybody, and nothing of ours in it; so being there does not depend on a review.
    const document = Object.hasOwn(DISCOVERY, path) ? DISCOVERY[path] : undefined;
    if (document) return method === "GET" ? ok(document) : notAllowed(method);

    const wish = parsePath(path);
    if (!wish) return failure("NotFound", "there is nothing at this path");
    if (method !== "GET" || isTrue(query.get("watch"))) return notAllowed(method === "GET" ? "watch" : method);
    const { caller } = identified;
    const decision = await served.authorize(caller, wish);
    if (decision.kind === "undecided") {
      served.onOptedOut(decision.why, false);
      return failure("ServiceUnavailable", `whether "${caller.user}" may read ${wish.resource} is not known: ${decision.why}`);
    }
    if (decision.kind === "denied") {
      const why = `"${caller.user}" ${decision.why}`;
      served.onOptedOut(why, false);
      return failure("Forbidden", why);
    }
    if (wish.resource !== METRIC) return failure("NotFound", `there is no external metric ${wish.resource}; this is served: ${METRIC}`);
    if (served.namespace !== undefined && wish.namespace !== served.namespace)
      return failure("NotFound", `${METRIC} is served in namespace ${served.namespace} only`);
    return requiredPerSecond(served, query.get("labelSelector") ?? "");
  };
}

const notAllowed = (method: string) => failure("MethodNotAllowed", `${method} is not served; this is: GET`);

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
