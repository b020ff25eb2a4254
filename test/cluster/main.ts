// Carillon on a real control plane: node --test-reporter=spec test/cluster/main.ts [--test-name-pattern="closed loop"]
// Starts it, the servers and the pods by itself, on loopback addresses, and leaves nothing running. CLUSTER_KEEP=1 keeps the pods' logs.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Cluster, startCluster } from "./cluster.ts";
import { closedLoop } from "./loop.ts";
import { metricsOwner } from "./metrics-owner.ts";
import { release } from "./release.ts";
import { serverSide } from "./server-side.ts";

// Our child processes end with this one; folders are removed by their exit listeners.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const began = performance.now();
const say = (line: string) => void process.stdout.write(`  ${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`);

describe("Carillon on Kubernetes", () => {
  let cluster: Cluster;
  const given = () => cluster;

  before(async () => {
    cluster = await startCluster();
    say(`control plane at ${cluster.port}: ${JSON.parse(await cluster.kubectl(["version", "-o", "json"])).serverVersion.gitVersion}`);
  });
  after(async () => {
    await cluster?.[Symbol.asyncDispose]();
    assert.equal(existsSync(dirname(cluster.kubeconfig)), false, "the control plane has ended");
    say("nothing is left running");
  });

  it("has three nodes in three zones", async () => {
    const nodes = await cluster.api.list<{ metadata: { labels: Record<string, string> } }>("/api/v1/nodes");
    assert.deepEqual(nodes.map((n) => n.metadata.labels["topology.kubernetes.io/zone"]).sort(), ["a", "b", "c"]);
  });
  serverSide(given);
  release(given, say);
  metricsOwner(given);
  closedLoop(given, say);
});
