// The fields of a pod's specification that its process needs. Pure.
import { V8_OPTIONS } from "../support/node-arguments.ts";
import type { KubeObject } from "./api.ts";

interface KeySelector {
  name: string;
  key: string;
  optional?: boolean;
}
export interface Env {
  name: string;
  value?: string;
  valueFrom?: {
    secretKeyRef?: KeySelector;
    configMapKeyRef?: KeySelector;
    fieldRef?: { fieldPath: string };
    resourceFieldRef?: { resource: string };
  };
}
export interface EnvFrom {
  prefix?: string;
  secretRef?: { name: string; optional?: boolean };
  configMapRef?: { name: string; optional?: boolean };
}
interface Item {
  key: string;
  path: string;
}
interface Source {
  name?: string;
  optional?: boolean;
  items?: Item[];
}
export interface Volume {
  name: string;
  secret?: { secretName: string; optional?: boolean; items?: Item[] };
  configMap?: Source;
  emptyDir?: object;
  projected?: {
    sources: {
      secret?: Source;
      configMap?: Source;
      serviceAccountToken?: { path: string; audience?: string; expirationSeconds?: number };
      downwardAPI?: { items: { path: string; fieldRef?: { fieldPath: string } }[] };
    }[];
  };
}
export interface Probe {
  httpGet?: { path?: string; port: number | string; scheme?: string };
  grpc?: { port: number; service?: string };
  tcpSocket?: { port: number | string };
  exec?: object;
  periodSeconds?: number;
  initialDelaySeconds?: number;
}
export interface Container {
  name: string;
  image: string;
  command?: string[];
  args?: string[];
  env?: Env[];
  envFrom?: EnvFrom[];
  ports?: { name?: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string }[];
  readinessProbe?: Probe;
  startupProbe?: Probe;
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
}
export interface Pod extends KubeObject {
  spec: {
    nodeName?: string;
    serviceAccountName?: string;
    restartPolicy?: "Always" | "OnFailure" | "Never";
    terminationGracePeriodSeconds?: number;
    containers: Container[];
    initContainers?: Container[];
    volumes?: Volume[];
  };
  status?: { phase?: string; podIP?: string; conditions?: { type: string; status: string }[] };
}

export const isReady = (pod: Pod) => pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;

/** The entry point of deploy/docker/Dockerfile. */
const ENTRYPOINT = ["node", ...V8_OPTIONS, "/app/cli/carillon.ts"];

/** The arguments of node, with `root` in place of the image's /app. */
export function nodeArguments({ command = ENTRYPOINT, args = [] }: Container, root: string): string[] {
  const [program, ...rest] = command;
  if (program !== "node") throw new Error(`the image has no program but node; not ${program}`);
  return [...rest, ...args].map((word) => word.replace(/^\/app(?=\/|$)/, root));
}

/** metadata.name, metadata.namespace, metadata.uid, metadata.labels['x'], spec.nodeName, status.podIP */
export function fieldOf({ metadata, spec }: Pod, fieldPath: string, ip: string): string {
  const key = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (key) return metadata[key[1] as "labels" | "annotations"]?.[key[2]!] ?? "";
  switch (fieldPath) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid;
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.podIP":
    case "status.podIPs":
      return ip;
    default:
      throw new Error(`a pod has no field ${fieldPath}`);
  }
}

/** $(NAME) of variables named before; $$(NAME) stays $(NAME). */
export const expanded = (value: string, before: Readonly<Record<string, string>>) =>
  value.replace(/\$(\$)?\(([\w.-]+)\)/g, (all, escaped: string | undefined, name: string) =>
    escaped ? all.slice(1) : (before[name] ?? all),
  );

export const portOf = ({ ports = [] }: Container, port: number | string): number =>
  typeof port === "number" ? port : (ports.find((p) => p.name === port)?.containerPort ?? Number(port));
