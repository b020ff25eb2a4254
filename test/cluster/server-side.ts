// Every rendering of the chart against the real API server: defaults, validation, admission, pod security.
import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { before, describe, it } from "node:test";
import { CHART } from "../../scripts/chart/helm.ts";
import type { Cluster } from "./cluster.ts";
import type { Ran } from "./command.ts";

const CRDS = join(import.meta.dirname, "crds");
const NAMESPACE = "restricted";
const WAIT_MS = 60_000;

export function serverSide(cluster: () => Cluster): void {
  describe("server side: what the API server says of every ci/*-values.yaml", () => {
    /** With the namespace as its default: objects that name another are not rejected for it. */
    let kubeconfig: string;

    before(async () => {
      const { kubectl, kubeconfig: theirs } = cluster();
      await kubectl(["apply", "-f", CRDS]);
      await kubectl(["wait", "--for=condition=Established", "crd", "--all", `--timeout=${WAIT_MS / 1_000}s`], { withinMs: WAIT_MS });
      await restrictedNamespace(cluster(), NAMESPACE);
      kubeconfig = theirs.replace("admin.kubeconfig", "restricted.kubeconfig");
      writeFileSync(
        kubeconfig,
        readFileSync(theirs, "utf8").replace("cluster: test, user", `cluster: test, namespace: ${NAMESPACE}, user`),
      );
    });

    const dryRun = (manifests: string): Promise<Ran> =>
      cluster().tryKubectl(["apply", "--dry-run=server", "--validate=strict", "-f", "-"], {
        env: { KUBECONFIG: kubeconfig },
        input: manifests,
      });

    it("has a server that rejects unknown fields", async () => {
      const { code, stderr } = await dryRun('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"dta":{}}');
      assert.notEqual(code, 0);
      assert.match(stderr, /unknown field "dta"/);
    });

    it("has a namespace that warns about pods that are not restricted", async () => {
      const { stderr } = await dryRun(
        '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"x"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"x","image":"x"}]}}}}',
      );
      assert.match(stderr, /would violate PodSecurity "restricted/);
    });

    for (const file of globSync(join(CHART, "ci/*-values.yaml")).sort()) {
      const name = basename(file, "-values.yaml");
      it(`takes ${name}, every field of it, in a restricted namespace and without a warning`, async () => {
        const { helm } = cluster();
        const manifests = await helm(["template", "carillon", CHART, "-n", NAMESPACE, "-f", file, "--dry-run=server"]);
        // With everything disabled there are no objects.
        if (!manifests.includes("kind:")) return assert.match(name, /-off$/);
        const { code, stdout, stderr } = await dryRun(manifests);
        assert.equal(stderr, "");
        assert.equal(code, 0, stdout);
        assert.ok(stdout.split("\n").length > 3, stdout);
      });
    }
  });
}

/** Enforces the Pod Security Standard "restricted", and warns of objects whose pods it would reject. */
export async function restrictedNamespace({ kubectl }: Pick<Cluster, "kubectl">, name: string): Promise<void> {
  const labels = Object.fromEntries(["enforce", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, "restricted"]));
  await kubectl(["apply", "-f", "-"], { input: JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata: { name, labels } }) });
}
