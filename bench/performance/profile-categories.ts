/** A CPU profile as V8 writes it (Node: --cpu-prof), as much as is read of it. */
export interface CpuProfile {
  /** us, of the machine's monotonic clock, as process.hrtime() reads it. */
  startTime: number;
  nodes: readonly { id: number; callFrame: Frame; children?: readonly number[] }[];
  /** Ids of the nodes that ran. */
  samples: readonly number[];
  /** us from the sample before to this one. */
  timeDeltas: readonly number[];
}

interface Frame {
  functionName: string;
  /** Empty for what is not JavaScript. */
  url: string;
}

/** Parts of our code by the beginning of the path; what is not listed is named after its first folder. */
const FOLDERS: readonly (readonly [path: string, category: string])[] = [
  ["adapters/nats/", "NATS"],
  ["adapters/sqlite/", "store"],
  ["adapters/mongo/", "store"],
  ["adapters/store/", "store"],
  ["adapters/redis/", "Redis"],
  ["adapters/preferences/", "gRPC"],
  ["runtime/log", "logging"],
  ["runtime/metrics", "metrics and tracing"],
  ["runtime/tracing", "metrics and tracing"],
  ["runtime/grpc/", "gRPC"],
  ["gen/", "gRPC"],
];

/** Packages by what they do here; what is not listed is named after the package. */
const PACKAGES: readonly (readonly [name: string, category: string])[] = [
  ["@nats-io/", "NATS"],
  ["mongodb", "store"],
  ["bson", "store"],
  ["ioredis", "Redis"],
  ["redis-", "Redis"],
  ["pino", "logging"],
  ["sonic-boom", "logging"],
  ["prom-client", "metrics and tracing"],
  ["@opentelemetry/", "metrics and tracing"],
  ["@grpc/", "gRPC"],
  ["@bufbuild/", "gRPC"],
  ["undici", "providers"],
];

/** node:internal/http2/core and node:http2 are both "node http2". */
const NODE_MODULE = /^node:(?:internal\/)?([^/]+)/;
const PACKAGE = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/;

const named = (list: typeof FOLDERS, text: string) => list.find(([beginning]) => text.startsWith(beginning))?.[1];

/** The category of a function's own time; undefined where it has none of its own. @param root of our code, without a slash at its end */
export function categoryOf({ functionName, url }: Frame, root: string): string | undefined {
  if (functionName === "(garbage collector)") return "garbage collection";
  if (url === "") return undefined;
  const [, module] = NODE_MODULE.exec(url) ?? [];
  if (module !== undefined) return `node ${module}`;
  const [, name] = PACKAGE.exec(url) ?? [];
  if (name !== undefined) return named(PACKAGES, name) ?? name;
  const path = url.replace(`file://${root}/`, "");
  return named(FOLDERS, path) ?? path.replace(/\/.*$/, "");
}

/**
 * us of own time by category. What is not JavaScript, such as a write to a socket, belongs to the JavaScript that called it.
 * @param window us of the profile's clock
 */
export function selfTimes(profile: CpuProfile, root: string, window: { from: number; to: number }): Map<string, number> {
  const times = new Map<string, number>();
  const categories = categoriesOf(profile.nodes, root);
  let at = profile.startTime;
  for (const [i, id] of profile.samples.entries()) {
    const us = profile.timeDeltas[i] ?? 0;
    at += us;
    const category = categories.get(id);
    if (category === undefined || at < window.from || at > window.to) continue;
    times.set(category, (times.get(category) ?? 0) + us);
  }
  return times;
}

/** By node. The idle time has none. */
function categoriesOf(nodes: CpuProfile["nodes"], root: string): Map<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const categories = new Map<number, string>();
  const visit = (id: number, inherited: string) => {
    const node = byId.get(id);
    if (node === undefined || node.callFrame.functionName === "(idle)") return;
    const category = categoryOf(node.callFrame, root) ?? inherited;
    categories.set(id, category);
    for (const child of node.children ?? []) visit(child, category);
  };
  const [first] = nodes;
  if (first !== undefined) visit(first.id, "native code");
  return categories;
}
