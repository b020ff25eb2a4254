import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { COMPONENTS, type KubernetesObject, objectsOf } from "./render.ts";

const root = join(import.meta.dirname, "../../..");
const text = (path: string) => readFileSync(join(root, path), "utf8");
const chart = (path: string) => `deploy/helm/carillon/${path}`;

const production = objectsOf({ ci: "production" });
const of = (kind: string, objects: readonly KubernetesObject[] = production) => objects.filter((object) => object.kind === kind);
const deployments = of("Deployment");
const pods = deployments.map(({ spec }) => spec.template.spec);
const components = (objects: readonly KubernetesObject[]) =>
  new Set(objects.map((o) => o.metadata.labels?.["app.kubernetes.io/component"]));
const withValues = (values: object) => objectsOf({ ci: "production", values });

/** Each row of docs/chart-features.md, and what proves it. */
const SHOWN: Readonly<Record<string, () => boolean>> = {
  "values.schema.json": () => /2020-12/.test(text(chart("values.schema.json"))),
  "README generated from values comments": () => /chart\.ts fresh/.test(text("Makefile")),
  "NOTES.txt": () => existsSync(join(root, chart("templates/NOTES.txt"))),
  "helm test hook": () => production.some(({ metadata }) => metadata.annotations?.["helm.sh/hook"] === "test"),
  "chart unit tests": () => /deploy\/helm\/test/.test(text("Makefile")),
  "ci values, against real clusters": () => /serverSide\(/.test(text("test/cluster/main.ts")),
  "upgrade test": () => /it\("upgrades while the HPA is at work/.test(text("test/cluster/release.ts")),
  "PodDisruptionBudget (unhealthyPodEvictionPolicy)": () =>
    of("PodDisruptionBudget").length >= COMPONENTS.length &&
    of("PodDisruptionBudget").every(({ spec }) => spec.unhealthyPodEvictionPolicy === "AlwaysAllow"),
  topologySpreadConstraints: () => pods.every((pod) => pod.topologySpreadConstraints.length === 2),
  NetworkPolicy: () => COMPONENTS.every((name) => components(of("NetworkPolicy")).has(name)),
  "ServiceMonitor / PodMonitor": () =>
    [true, false].every((byPod) => {
      const objects = withValues({ monitoring: { podMonitor: { enabled: byPod }, serviceMonitor: { enabled: !byPod } } });
      return of(byPod ? "PodMonitor" : "ServiceMonitor", objects).length > 0;
    }),
  PrometheusRule: () => of("PrometheusRule").length > 0,
  "dashboard ConfigMap": () => of("ConfigMap").some(({ data }) => Object.keys(data ?? {}).some((file) => file.endsWith(".json"))),
  "existingSecret pattern": () => of("Secret").length === 0,
  "automountServiceAccountToken settable": () =>
    of("Deployment", withValues({ defaults: { serviceAccount: { automount: true } } })).some(
      ({ spec }) => spec.template.spec.automountServiceAccountToken === true,
    ),
  "restricted: non-root, seccomp, read-only root, drop ALL": () =>
    pods.every(({ securityContext, containers: [{ securityContext: own }] }) => {
      const { runAsNonRoot, seccompProfile } = securityContext;
      return runAsNonRoot && seccompProfile.type === "RuntimeDefault" && own.readOnlyRootFilesystem && own.capabilities.drop[0] === "ALL";
    }),
  "native gRPC probes": () =>
    pods.every(({ containers: [{ livenessProbe, readinessProbe }] }) => livenessProbe.grpc && readinessProbe.grpc),
  "preStop / grace settable": () => {
    const gateway = of("Deployment", withValues({ gateway: { terminationGracePeriodSeconds: 61, preStopSleepSeconds: 7 } })).find(
      ({ metadata }) => metadata.name === "carillon-gateway",
    );
    const { terminationGracePeriodSeconds, containers } = gateway?.spec.template.spec ?? {};
    return terminationGracePeriodSeconds === 61 && containers[0].lifecycle.preStop.sleep.seconds === 7;
  },
  "checksum annotation": () =>
    deployments.some(({ spec }) => Object.keys(spec.template.metadata.annotations ?? {}).some((key) => key.startsWith("checksum/"))),
  "extraObjects, extraEnv": () => {
    const extra = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "extra" } };
    const objects = withValues({ extraObjects: [extra], defaults: { extraEnv: [{ name: "EXTRA", value: "1" }] } });
    return of("ConfigMap", objects).some(({ metadata }) => metadata.name === "extra") && JSON.stringify(objects).includes('"EXTRA"');
  },
  "HPA / KEDA objects": () =>
    of("HorizontalPodAutoscaler", objectsOf({ ci: "autoscaling-external" })).length >= 5 &&
    of("ScaledObject", objectsOf({ ci: "autoscaling-keda" })).length === 5,
  "image digest, kubeVersion, dual stack": () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const image = JSON.stringify(withValues({ image: { digest } })).includes(`@${digest}`);
    return image && /kubeVersion:/.test(text(chart("Chart.yaml"))) && /ipFamilyPolicy:/.test(text(chart("values.yaml")));
  },
  "schema and stream set-up": () => of("Job").some(({ spec }) => spec.template.spec.containers[0].args[0] === "provision"),
};

const rows = [...text("docs/chart-features.md").matchAll(/^\| (?!feature |---)(.+?) \| (.+?) \|/gm)].map(([, name = "", ours]) => ({
  name,
  ours,
}));

test("every row of the table has its proof, and every proof its row", () => {
  assert.deepEqual(rows.map((row) => row.name).sort(), Object.keys(SHOWN).sort());
  assert.ok(rows.every((row) => row.ours?.startsWith("Y")));
});

for (const [name, shown] of Object.entries(SHOWN)) test(`the chart has: ${name}`, () => assert.ok(shown()));
