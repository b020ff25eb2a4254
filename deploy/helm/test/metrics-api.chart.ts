// The HPA's own metrics API: templates/metrics-api, autoscaling.metricsApi.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CHART, helm } from "../../../scripts/chart/helm.ts";
import { find, type KubernetesObject, namesOf, objectsOf, rejectionOf, render, renderArguments, variablesOf } from "./render.ts";

const API = "v1beta1.external.metrics.k8s.io";
const minimal = objectsOf();
const scratch = mkdtempSync(join(tmpdir(), "carillon-chart-without-"));
after(() => rmSync(scratch, { recursive: true }));

test("it brings its Service, its rights and its token, and nothing else does", () => {
  const clusterKinds = (objects: readonly KubernetesObject[]) =>
    objects
      .filter(({ kind }) => /^(APIService|Cluster.*|RoleBinding|Role)$/.test(kind))
      .map(({ kind, metadata }) => [kind, metadata.namespace]);
  assert.deepEqual(clusterKinds(minimal), []);
  const objects = objectsOf({ ci: "autoscaling-external" });
  assert.deepEqual(clusterKinds(objects).sort(), [
    ["APIService", undefined],
    ["ClusterRoleBinding", undefined],
    ["RoleBinding", "kube-system"],
  ]);
  const api = find(objects, "APIService", API).spec;
  assert.deepEqual(api.service, { name: "carillon-metrics-api", namespace: "messaging", port: 7740 });
  assert.equal(api.insecureSkipTLSVerify, true);
  const service = find(objects, "Service", "metrics-api").spec;
  assert.equal(service.clusterIP, undefined, "the aggregator wants a cluster IP");
  const autoscaler = find(objects, "Deployment", "autoscaler");
  assert.equal(autoscaler.spec.template.spec.automountServiceAccountToken, true);
  assert.equal(variablesOf(autoscaler).AUTOSCALER_METRICS_API_LISTEN, "0.0.0.0:7740");
  for (const { subjects } of objects.filter(({ kind }) => kind.endsWith("RoleBinding")))
    assert.deepEqual(subjects, [{ kind: "ServiceAccount", name: "carillon-autoscaler", namespace: "messaging" }]);
});

test("with a certificate the API server checks it", () => {
  const byManager = objectsOf({ ci: "tls" });
  const api = find(byManager, "APIService", API);
  assert.equal(api.metadata.annotations?.["cert-manager.io/inject-ca-from"], "messaging/carillon-metrics-api");
  assert.equal(api.spec.insecureSkipTLSVerify, undefined);
  assert.ok(find(byManager, "Certificate", "metrics-api").spec.dnsNames.includes("carillon-metrics-api.messaging.svc"));
  const given = objectsOf({ ci: "tls-existing" });
  const own = find(given, "APIService", API).spec;
  assert.equal(Buffer.from(own.caBundle, "base64").toString(), "-----BEGIN CERTIFICATE-----");
  const autoscaler = find(given, "Deployment", "autoscaler");
  assert.equal(variablesOf(autoscaler).AUTOSCALER_METRICS_API_CLIENT_CA_FILE, "/etc/carillon/front-proxy-ca/client-ca.crt");
  const { containers, volumes } = autoscaler.spec.template.spec;
  for (const name of ["front-proxy-ca", "metrics-api-tls"]) {
    assert.ok(
      containers[0].volumeMounts.some((m: { mountPath: string }) => m.mountPath === `/etc/carillon/${name}`),
      name,
    );
    assert.equal(volumes.find((v: { name: string }) => v.name === name)?.secret.secretName, name);
  }
  assert.deepEqual(namesOf(given, "RoleBinding"), [], "the front proxy's authority stands in a file");
});

test("its NetworkPolicy lets the API server in, and the pod reach the API server", () => {
  const values = { networkPolicy: { apiServerTo: [{ ipBlock: { cidr: "10.0.0.1/32" } }] } };
  const { podSelector, ingress, egress } = find(objectsOf({ ci: "autoscaling-external", values }), "NetworkPolicy", "metrics-api").spec;
  assert.equal(podSelector.matchLabels["app.kubernetes.io/component"], "autoscaler");
  assert.deepEqual(ingress, [{ ports: [{ protocol: "TCP", port: 7740 }] }]);
  assert.deepEqual(egress[0].to, values.networkPolicy.apiServerTo);
  assert.ok(!namesOf(minimal, "NetworkPolicy").includes("carillon-metrics-api"));
});

test("helm rejects it where the autoscaler is off, or where KEDA has the API", () => {
  const values = { autoscaling: { metricsApi: { enabled: true } } };
  assert.match(rejectionOf({ values, ci: "autoscaling-keda" }), /would take v1beta1\.external\.metrics\.k8s\.io from KEDA/);
  const off = { autoscaling: { mode: "off", metricsApi: { enabled: true } }, autoscaler: { enabled: false } };
  assert.match(rejectionOf({ values: off }), /metricsApi\.enabled=true is served by the autoscaler: set autoscaler\.enabled=true/);
});

test("where it is off, the chart renders the same without its folder", () => {
  const copy = join(scratch, "carillon");
  cpSync(CHART, copy, { recursive: true, filter: (path) => !path.endsWith("templates/metrics-api") });
  const without = helm(renderArguments().map((argument) => (argument === CHART ? copy : argument)));
  const whole = render();
  assert.ok(without.kind === "done" && whole.kind === "rendered");
  assert.equal(without.stdout, whole.text);
});
