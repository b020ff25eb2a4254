import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseAllDocuments } from "yaml";
import { CACHE, CHART, helm } from "../../../scripts/chart/helm.ts";

/** Any Kubernetes object. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: objects of forty kinds, whose types the schemas check
  spec: any;
  data: Record<string, string>;
  subjects: Record<string, string>[];
}

export interface RenderOptions {
  /** A file of ci/, without "-values.yaml". */
  ci?: string;
  /** Override it. */
  values?: object;
  /** Default: the newest supported. */
  kubeVersion?: string;
  /** Further API versions of the cluster. */
  apis?: readonly string[];
  release?: string;
  /** Deployments of the namespace, as a cluster answers Helm. Default: there is no cluster to ask, as under helm template and Argo CD. */
  deployments?: readonly object[] | undefined;
}

export type Rendered = { kind: "rendered"; text: string } | { kind: "rejected"; why: string };

export const KUBERNETES = ["1.30", "1.31", "1.32", "1.33", "1.34", "1.35", "1.36", "1.37"] as const;
export const CI = globSync("*-values.yaml", { cwd: join(CHART, "ci") })
  .map((name) => basename(name, "-values.yaml"))
  .sort();

const PYTHON = globSync("*/bin/python3", { cwd: join(CACHE, "chart") }).map((path) => join(CACHE, "chart", path))[0] ?? "";
/** All versions of all ci files at once take 10 s. */
const PYTHON_MS = 170_000;

const scratch = mkdtempSync(join(tmpdir(), "carillon-chart-"));
let files = 0;

/** Arguments of helm. */
export function renderArguments({
  ci = "minimal",
  values = {},
  kubeVersion = "1.37",
  apis = [],
  release = "carillon",
}: RenderOptions = {}): string[] {
  // JSON is YAML.
  const overlay = join(scratch, `${files++}.yaml`);
  writeFileSync(overlay, JSON.stringify(values));
  return [
    ...["template", release, CHART, "--namespace", "messaging", "--kube-version", `${kubeVersion}.0`],
    ...["--values", join(CHART, "ci", `${ci}-values.yaml`), "--values", overlay],
    ...apis.flatMap((api) => ["--api-versions", api]),
  ];
}

export function render(options: RenderOptions = {}): Rendered {
  const { deployments } = options;
  const result = helm(deployments ? renderArguments(options).with(2, chartWith(deployments)) : renderArguments(options));
  return result.kind === "done" ? { kind: "rendered", text: result.stdout } : { kind: "rejected", why: result.stderr };
}

const LOOKUP = 'lookup "apps/v1" "Deployment" .Release.Namespace ""';
/** A copy of the chart that has asked a cluster: `helm template` asks none. */
function chartWith(deployments: readonly object[]): string {
  const copy = mkdtempSync(join(scratch, "cluster-"));
  cpSync(CHART, copy, { recursive: true });
  const template = join(copy, "templates/_tls.tpl");
  const text = readFileSync(template, "utf8");
  if (!text.includes(LOOKUP)) throw new Error("the chart asks for Deployments by another call");
  writeFileSync(template, text.replace(LOOKUP, '.Files.Get "cluster.json" | fromJson'));
  writeFileSync(join(copy, "cluster.json"), JSON.stringify({ kind: "DeploymentList", items: deployments }));
  return copy;
}

/** Throws where the chart rejects the values. */
export function objectsOf(options: RenderOptions = {}): KubernetesObject[] {
  const result = render(options);
  if (result.kind === "rejected") throw new Error(result.why);
  return parseObjects(result.text);
}

/** What helm prints after an installation: `helm template` leaves it out, so a copy of the chart renders it as an object. */
export function notesOf(options: RenderOptions): string {
  const copy = mkdtempSync(join(scratch, "notes-"));
  cpSync(CHART, copy, { recursive: true });
  renameSync(join(copy, "templates/NOTES.txt"), join(copy, "notes"));
  writeFileSync(join(copy, "templates/notes.yaml"), '{kind: Notes, data: {text: {{ tpl (.Files.Get "notes") . | toJson }}}}\n');
  const result = helm(renderArguments(options).with(2, copy));
  if (result.kind === "failed") throw new Error(result.stderr);
  return parseObjects(result.stdout).find(({ kind }) => kind === "Notes")?.data.text ?? "";
}

/** The chart's error. Throws where it accepts the values. */
export function rejectionOf(options: RenderOptions): string {
  const result = render(options);
  if (result.kind === "rendered") throw new Error(`rendered, not rejected: ${JSON.stringify(options)}`);
  return result.why;
}

/** The objects of a rendered chart. YAML 1.1, as Kubernetes reads it: an unquoted `on` is true. Throws where it is not valid YAML. */
export function parseObjects(text: string): KubernetesObject[] {
  const documents = parseAllDocuments(text, { version: "1.1" });
  if (!Array.isArray(documents)) return [];
  for (const { errors } of documents) if (errors[0]) throw errors[0];
  return documents.map((document) => document.toJS()).filter((object) => object !== null);
}

/** What Kubernetes' strict schemas reject in the objects. */
export function faultsOf(objects: readonly (readonly [version: string, object: unknown])[]): (readonly [index: number, text: string])[] {
  if (!existsSync(PYTHON)) throw new Error("scripts/chart/tools has not run");
  const script = join(import.meta.dirname, "kubernetes.py");
  const output = execFileSync(PYTHON, [script], {
    input: JSON.stringify(objects),
    encoding: "utf8",
    timeout: PYTHON_MS,
    maxBuffer: 1 << 28,
  });
  return JSON.parse(output);
}

/** The one object of that kind and name; the name without "carillon-". */
export function find(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.filter((object) => object.kind === kind && [name, `carillon-${name}`].includes(object.metadata.name));
  if (found.length !== 1) throw new Error(`${found.length} ${kind} ${name}; there are ${namesOf(objects, kind).join(", ")}`);
  return found[0]!;
}

export const namesOf = (objects: readonly KubernetesObject[], kind: string): string[] =>
  objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);

export const deployments = (objects: readonly KubernetesObject[]) => objects.filter(({ kind }) => kind === "Deployment");
/** Of a workload's template, or the Pod's own. */
export const podOf = (object: KubernetesObject) => object.spec.template?.spec ?? object.spec;
export const containerOf = (object: KubernetesObject) => podOf(object).containers[0];

/** Plain variables of a Deployment's or a Job's container. */
export function variablesOf(workload: KubernetesObject): Record<string, string> {
  const env: { name: string; value?: string }[] = workload.spec.template.spec.containers[0].env;
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? ""]));
}

export const COMPONENTS = [
  ...["gateway", "preferences", "relay", "feedback", "autoscaler"],
  ...["dispatcher-apns", "dispatcher-fcm", "dispatcher-webpush", "dispatcher-sms", "dispatcher-email"],
];
