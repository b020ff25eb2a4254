import { LRUCache } from "lru-cache";
import type { Caller } from "./front-proxy.ts";
import type { Kubernetes } from "./kubernetes-service.ts";
import { GROUP, VERSION } from "./metric.ts";

/** What a caller wants to read; `resource` is the metric's name. */
export interface ReadRequest {
  namespace: string;
  resource: string;
}

export type Decision =
  | { kind: "allowed" }
  | { kind: "denied"; why: string }
  /** The review failed. */
  | { kind: "undecided"; why: string };

export type Authorize = (caller: Caller, wanted: ReadRequest) => Promise<Decision>;

/** How long a review is cached, in ms; the same as in Kubernetes' own extension API servers. */
const REVIEW_MS = 10_000;
/** Cached reviews; an HPA controller asks the same for every channel. */
const REVIEWS_MAX = 500;

/** May do anything in a cluster, so needs no review. */
const MASTERS = "system:masters";

const REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

/** Asks the API server whether the caller may list the metric, as extension API servers do. @param now monotonic, in ms */
export function createReview(kubernetes: Pick<Kubernetes, "post">, now: () => number): Authorize {
  const reviews = new LRUCache<string, Promise<Decision>>({ max: REVIEWS_MAX, ttl: REVIEW_MS, perf: { now }, ttlResolution: 0 });
  return (caller, wanted) => {
    if (caller.groups.includes(MASTERS)) return Promise.resolve({ kind: "allowed" });
    const key = JSON.stringify([caller, wanted]);
    const known = reviews.get(key);
    if (known) return known;
    const asked = review(kubernetes, caller, wanted).then((decision) => {
      if (decision.kind === "undecided") reviews.delete(key);
      return decision;
    });
    reviews.set(key, asked);
    return asked;
  };
}

async function review(kubernetes: Pick<Kubernetes, "post">, caller: Caller, wanted: ReadRequest): Promise<Decision> {
  const answer = await kubernetes.post(REVIEWS, {
    kind: "SubjectAccessReview",
    apiVersion: "authorization.k8s.io/v1",
    spec: {
      user: caller.user,
      uid: caller.uid,
      groups: caller.groups,
      extra: caller.extra,
      resourceAttributes: { verb: "list", group: GROUP, version: VERSION, resource: wanted.resource, namespace: wanted.namespace },
    },
  });
  if (answer.kind === "unreachable") return { kind: "undecided", why: `the API server is unreachable: ${answer.why}` };
  const allowed = (answer.body as { status?: { allowed?: unknown } } | null | undefined)?.status?.allowed;
  if (typeof allowed !== "boolean") {
    const remedy = answer.code === 403 ? "; the service account needs the ClusterRole system:auth-delegator" : "";
    return { kind: "undecided", why: `the API server answered a SubjectAccessReview ${answer.code}${remedy}` };
  }
  return allowed
    ? { kind: "allowed" }
    : { kind: "denied", why: `may not list ${wanted.resource}.${GROUP} in namespace ${wanted.namespace}` };
}

/** Outside a cluster: the users named, and system:masters. */
export function createAllowList(users: readonly string[]): Authorize {
  return async (caller, wanted) =>
    caller.groups.includes(MASTERS) || users.includes(caller.user)
      ? { kind: "allowed" }
      : { kind: "denied", why: `is not among the users who may list ${wanted.resource}` };
}
