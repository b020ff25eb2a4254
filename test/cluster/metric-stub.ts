// Another product's provider of external.metrics.k8s.io, which answers every query with one number.
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { generate } from "selfsigned";
import type { Cluster } from "./cluster.ts";

export interface MetricStub extends AsyncDisposable {
  /** The metric's value. */
  value: number;
}

const NAMESPACE = "other-metrics";
const GROUP = "external.metrics.k8s.io";
const ITSELF = `/apis/${GROUP}/v1beta1`;

/** Registers it for the whole cluster; disposal removes it. */
export async function startMetricStub(cluster: Cluster): Promise<MetricStub> {
  const { private: key, cert } = await generate([{ name: "commonName", value: "other-metrics" }], { keySize: 2048 });
  const stub = { value: 0 };
  const server = createServer({ key, cert }, (request, response) => {
    const path = new URL(request.url ?? "/", "https://stub").pathname;
    const [metricName] = path.split("/").slice(-1);
    const list = { kind: "APIResourceList", apiVersion: "v1", groupVersion: `${GROUP}/v1beta1` };
    const item = { metricName, metricLabels: {}, timestamp: new Date().toISOString(), value: `${Math.round(stub.value * 1_000)}m` };
    const answer =
      path === ITSELF
        ? { ...list, resources: [{ name: "*", singularName: "", namespaced: true, kind: "ExternalMetricValueList", verbs: ["get"] }] }
        : { kind: "ExternalMetricValueList", apiVersion: `${GROUP}/v1beta1`, metadata: {}, items: [item] };
    response.writeHead(path.startsWith(ITSELF) ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    server.close();
  };
  const objects = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
    // The API server calls it on this machine.
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "keda-operator-metrics-apiserver", namespace: NAMESPACE },
      spec: { type: "ExternalName", externalName: "localhost" },
    },
    {
      ...{
        apiVersion: "apiregistration.k8s.io/v1",
        kind: "APIService",
        metadata: { name: `v1beta1.${GROUP}`, labels: { "app.kubernetes.io/part-of": "keda" } },
      },
      spec: {
        ...{ group: GROUP, version: "v1beta1", groupPriorityMinimum: 100, versionPriority: 100, insecureSkipTLSVerify: true },
        service: { name: "keda-operator-metrics-apiserver", namespace: NAMESPACE, port },
      },
    },
  ];
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  // The namespace stays: it cannot be created again while it is being deleted.
  const registered = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects.slice(1) });
  try {
    await cluster.kubectl(["apply", "-f", "-"], { input: list });
    await cluster.kubectl(["wait", "--for=condition=Available", "--timeout=30s", `apiservice/v1beta1.${GROUP}`]);
  } catch (error) {
    await close();
    throw error;
  }
  return Object.assign(stub, {
    async [Symbol.asyncDispose]() {
      await cluster.kubectl(["delete", "-f", "-"], { input: registered });
      await close();
    },
  });
}
