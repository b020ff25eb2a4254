// Lints every ci/*-values.yaml, renders it for every supported version of Kubernetes, and checks the objects against the strict schemas of that
// version. Prints counts; exit code 1 on any fault.
import { join } from "node:path";
import { CHART, helmAsync } from "../../../scripts/chart/helm.ts";
import { CI, faultsOf, KUBERNETES, type KubernetesObject, parseObjects, renderArguments } from "./render.ts";

/** Parallel helm processes: each waits for the disk half of its time. */
const CONCURRENCY = 4;

const faults: string[] = [];

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

await eachOf(CI, async (ci) => {
  const linted = await helmAsync(["lint", "--strict", CHART, "--values", join(CHART, "ci", `${ci}-values.yaml`)]);
  if (linted.kind === "failed") faults.push(`ci/${ci}-values.yaml, helm lint --strict:\n${linted.stderr}`);
});

const renders: { ci: string; version: string; text: string }[] = [];
const wanted = KUBERNETES.flatMap((version) => CI.map((ci) => ({ ci, version })));
await eachOf(wanted, async ({ ci, version }) => {
  const result = await helmAsync(renderArguments({ ci, kubeVersion: version }));
  if (result.kind === "failed") faults.push(`ci/${ci}-values.yaml on Kubernetes ${version}:\n${result.stderr}`);
  else renders.push({ ci, version, text: result.stdout });
});

// Most versions render the same, and most ci files share most objects: each different object is checked once per version.
const objectsByText = new Map([...new Set(renders.map(({ text }) => text))].map((text) => [text, parseObjects(text)]));
const different = new Map<string, { version: string; object: KubernetesObject; where: string }>();
let objectCount = 0;
for (const { ci, version, text } of renders) {
  const seen = new Set<string>();
  for (const object of objectsByText.get(text)!) {
    objectCount++;
    const where = `ci/${ci}-values.yaml on Kubernetes ${version}: ${object.kind} ${object.metadata?.name}`;
    different.set(`${version} ${JSON.stringify(object)}`, { version, object, where });
    const name = [object.apiVersion, object.kind, object.metadata?.namespace, object.metadata?.name].join("/");
    if (seen.has(name)) faults.push(`${where}: there are two`);
    seen.add(name);
  }
}
const checked = [...different.values()];
for (const [index, text] of faultsOf(checked.map(({ version, object }) => [version, object])))
  faults.push(`${checked[index]!.where}: ${text}`);

for (const fault of faults) process.stderr.write(`${fault}\n`);
const versions = `Kubernetes ${KUBERNETES[0]} to ${KUBERNETES.at(-1)}`;
process.stdout.write(`  lint      ${CI.length} ci files, helm lint --strict\n`);
process.stdout.write(`  render    ${renders.length} times: each ci file on ${KUBERNETES.length} versions, ${versions}\n`);
process.stdout.write(
  `  schemas   ${objectCount} objects, ${checked.length} of them different, against the strict schemas of their version\n`,
);
process.stdout.write(`  ${faults.length === 0 ? "ok    " : "FAULTS"}    ${faults.length} faults\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
