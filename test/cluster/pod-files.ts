// A pod's variables and volumes, read from the cluster and written below a folder that stands for its root.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Api, KubeObject } from "./api.ts";
import { type Container, type Env, expanded, fieldOf, type Pod, type Volume } from "./pod.ts";

interface Data extends KubeObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}
type Contents = ReadonlyMap<string, Buffer>;

const TOKEN_SECONDS = 3_600;

/** Keys and contents of a Secret or ConfigMap; undefined: there is none. */
async function contentsOf(api: Api, namespace: string, kind: "secrets" | "configmaps", name: string): Promise<Contents | undefined> {
  const found = await api.get<Data>(`/api/v1/namespaces/${namespace}/${kind}/${name}`);
  if (found === undefined) return undefined;
  const encoded = kind === "secrets" ? "base64" : "utf8";
  return new Map([
    ...Object.entries(found.data ?? {}).map(([key, text]) => [key, Buffer.from(text, encoded)] as const),
    ...Object.entries(found.binaryData ?? {}).map(([key, text]) => [key, Buffer.from(text, "base64")] as const),
  ]);
}

/** A Secret or ConfigMap that does not exist yet. A kubelet waits for it; this one reports it and retries. */
export class Missing extends Error {
  override name = "Missing";
}

function needed(found: Contents | undefined, what: string, optional: boolean | undefined): Contents {
  if (found === undefined && !optional) throw new Missing(`${what} is not there`);
  return found ?? new Map();
}

export async function readEnv(api: Api, pod: Pod, container: Container, ip: string): Promise<Record<string, string>> {
  const namespace = pod.metadata.namespace ?? "";
  const env: Record<string, string> = {};
  for (const { prefix = "", secretRef, configMapRef } of container.envFrom ?? []) {
    const [kind, ref] = secretRef ? (["secrets", secretRef] as const) : (["configmaps", configMapRef!] as const);
    const contents = needed(await contentsOf(api, namespace, kind, ref.name), `${kind} ${ref.name}`, ref.optional);
    for (const [key, bytes] of contents) env[`${prefix}${key}`] = bytes.toString();
  }
  for (const one of container.env ?? []) {
    const value = await variableOf(api, pod, one, env, ip);
    if (value !== undefined) env[one.name] = value;
  }
  return env;
}

async function variableOf(
  api: Api,
  pod: Pod,
  { name, value, valueFrom }: Env,
  before: Record<string, string>,
  ip: string,
): Promise<string | undefined> {
  if (valueFrom === undefined) return expanded(value ?? "", before);
  const { secretKeyRef, configMapKeyRef, fieldRef } = valueFrom;
  if (fieldRef) return fieldOf(pod, fieldRef.fieldPath, ip);
  const ref = secretKeyRef ?? configMapKeyRef;
  if (ref === undefined) throw new Error(`${name} comes from where this kubelet cannot read`);
  const kind = secretKeyRef ? "secrets" : "configmaps";
  const found = needed(await contentsOf(api, pod.metadata.namespace ?? "", kind, ref.name), `${kind} ${ref.name}`, ref.optional).get(
    ref.key,
  );
  if (found === undefined && !ref.optional) throw new Missing(`${kind} ${ref.name} has no key ${ref.key}`);
  return found?.toString();
}

/** Writes what the container mounts below `root`; resolves with the mount paths. */
export async function writeVolumes(api: Api, pod: Pod, container: Container, root: string, ip: string): Promise<string[]> {
  const mounts = container.volumeMounts ?? [];
  for (const { name, mountPath, subPath } of mounts) {
    const volume = pod.spec.volumes?.find((v) => v.name === name);
    if (volume === undefined) throw new Error(`no volume ${name}`);
    const files = await filesOf(api, pod, volume, ip);
    const folder = join(root, mountPath);
    if (subPath === undefined) mkdirSync(folder, { recursive: true });
    for (const [path, bytes] of files) {
      if (subPath !== undefined && path !== subPath) continue;
      const to = subPath === undefined ? join(folder, path) : folder;
      mkdirSync(dirname(to), { recursive: true });
      writeFileSync(to, bytes, { mode: 0o600 });
    }
  }
  return mounts.map((m) => m.mountPath);
}

async function filesOf(api: Api, pod: Pod, volume: Volume, ip: string): Promise<Map<string, Buffer>> {
  const namespace = pod.metadata.namespace ?? "";
  const files = new Map<string, Buffer>();
  const put = async (
    kind: "secrets" | "configmaps",
    source: { name?: string; optional?: boolean; items?: { key: string; path: string }[] },
  ) => {
    const contents = needed(await contentsOf(api, namespace, kind, source.name ?? ""), `${kind} ${source.name}`, source.optional);
    const items = source.items ?? [...contents.keys()].map((key) => ({ key, path: key }));
    for (const { key, path } of items) {
      const bytes = contents.get(key);
      if (bytes !== undefined) files.set(path, bytes);
      else if (!source.optional) throw new Missing(`${kind} ${source.name} has no key ${key}`);
    }
  };
  if (volume.secret) await put("secrets", { ...volume.secret, name: volume.secret.secretName });
  if (volume.configMap) await put("configmaps", volume.configMap);
  for (const { secret, configMap, serviceAccountToken, downwardAPI } of volume.projected?.sources ?? []) {
    if (secret) await put("secrets", secret);
    if (configMap) await put("configmaps", configMap);
    if (serviceAccountToken) files.set(serviceAccountToken.path, Buffer.from(await tokenOf(api, pod, serviceAccountToken)));
    for (const { path, fieldRef } of downwardAPI?.items ?? [])
      if (fieldRef) files.set(path, Buffer.from(fieldOf(pod, fieldRef.fieldPath, ip)));
  }
  return files;
}

async function tokenOf(
  api: Api,
  { metadata, spec }: Pod,
  { audience, expirationSeconds }: { audience?: string; expirationSeconds?: number },
): Promise<string> {
  const account = spec.serviceAccountName ?? "default";
  const { status } = await api.post<{ status: { token: string } }>(
    `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${account}/token`,
    {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { ...(audience ? { audiences: [audience] } : {}), expirationSeconds: Math.max(expirationSeconds ?? 0, TOKEN_SECONDS) },
    },
  );
  return status.token;
}
