// Lints every ci/*-values.yaml, renders it for every Kubernetes that is supported, and checks all that comes out against the strict schemas of
// that Kubernetes. Prints counts; exit code 1 on any fault.
import { join } from "node:path";
import { CHART, helmBeside } from "../../../scripts/chart/helm.ts";
import { CI, faultsOf, KUBERNETES, type KubernetesObject, parseObjects, renderArguments } from "./render.ts";

/** helm at once: it waits for the disk as much as it works. */
const BESIDE = 4;

const faults: string[] = [];

async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: BESIDE }, worker));
}

await eachOf(CI, async (ci) => {
  const linted = await helmBeside(["lint", "--strict", CHART, "--values", join(CHART, "ci", `${ci}-values.yaml`)]);
  if (linted.kind === "failed") faults.push(`ci/${ci}-values.yaml, helm lint --strict:\n${linted.stderr}`);
});

const renders: { ci: string; version: string; text: string }[] = [];
const wanted = KUBERNETES.flatMap((version) => CI.map((ci) => ({ ci, version })));
await eachOf(wanted, async ({ ci, version }) => {
  const result = await helmBeside(renderArguments({ ci, kubeVersion: version }));
  if (result.kind === "failed") faults.push(`ci/${ci}-values.yaml on Kubernetes ${version}:\n${result.stderr}`);
  else renders.push({ ci, version, text: result.stdout });
});

// Most versions render the same, and most ci files share most objects: each is looked at once per version.
const objectsByText = new Map([...new Set(renders.map(({ text }) => text))].map((text) => [text, parseObjects(text)]));
const asked = new Map<string, { version: string; object: KubernetesObject; where: string }>();
let objectCount = 0;
for (const { ci, version, text } of renders) {
  const seen = new Set<string>();
  for (const object of objectsByText.get(text)!) {
    objectCount++;
    const where = `ci/${ci}-values.yaml on Kubernetes ${version}: ${object.kind} ${object.metadata?.name}`;
    asked.set(`${version} ${JSON.stringify(object)}`, { version, object, where });
    const name = [object.apiVersion, object.kind, object.metadata?.namespace, object.metadata?.name].join("/");
    if (seen.has(name)) faults.push(`${where}: there are two`);
    seen.add(name);
  }
}
const questions = [...asked.values()];
for (const [index, text] of faultsOf(questions.map(({ version, object }) => [version, object])))
  faults.push(`${questions[index]!.where}: ${text}`);

for (const fault of faults) process.stderr.write(`${fault}\n`);
const versions = `Kubernetes ${KUBERNETES[0]} to ${KUBERNETES.at(-1)}`;
process.stdout.write(`  lint      ${CI.length} ci files, helm lint --strict\n`);
process.stdout.write(`  render    ${renders.length} times: each ci file on ${KUBERNETES.length} versions, ${versions}\n`);
process.stdout.write(
  `  schemas   ${objectCount} objects, ${questions.length} of them different, against the strict schemas of their version\n`,
);
process.stdout.write(`  ${faults.length === 0 ? "ok    " : "FAULTS"}    ${faults.length} faults\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
