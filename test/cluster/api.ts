// The Kubernetes API, as an administrator: a few verbs, JSON in and out.
import { readFileSync } from "node:fs";
import { Pool } from "undici";

/** The fields of every object; others are read where they are needed. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp: string;
    deletionTimestamp?: string;
    deletionGracePeriodSeconds?: number;
    ownerReferences?: { kind: string; name: string; uid: string }[];
  };
}

export interface Api extends AsyncDisposable {
  /** undefined: there is none. Rejects with an ApiFault for all other rejections. */
  get<T = KubeObject>(path: string): Promise<T | undefined>;
  list<T = KubeObject>(path: string): Promise<T[]>;
  post<T = KubeObject>(path: string, body: unknown): Promise<T>;
  /** A merge patch; undefined: there is none. */
  patch<T = KubeObject>(path: string, body: unknown): Promise<T | undefined>;
  /** At once, without a grace period; nothing to do where there is none. */
  remove(path: string): Promise<void>;
}

export class ApiFault extends Error {
  override name = "ApiFault";
  readonly status: number;
  readonly reason: string;
  constructor(what: string, status: number, { reason = "", message = "" }: { reason?: string; message?: string }) {
    super(`${what}: ${status} ${reason} ${message}`);
    this.status = status;
    this.reason = reason;
  }
}

/** Timeout of one request; the server answers within milliseconds unless the machine is busy. */
const REQUEST_MS = 20_000;

export interface Credentials {
  /** https://127.0.0.1:PORT */
  origin: string;
  caFile: string;
  certFile: string;
  keyFile: string;
}

export function connectApi({ origin, caFile, certFile, keyFile }: Credentials): Api {
  const connect = { ca: readFileSync(caFile), cert: readFileSync(certFile), key: readFileSync(keyFile) };
  const pool = new Pool(origin, { connections: 8, connect, headersTimeout: REQUEST_MS, bodyTimeout: REQUEST_MS });

  async function ask<T>(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T | undefined> {
    const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
    const answer = await pool.request({
      ...{ method, path, headers: { "content-type": type, accept: "application/json" } },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    if (answer.statusCode === 404 && method !== "POST") return undefined;
    if (answer.statusCode >= 300) throw new ApiFault(`${method} ${path}`, answer.statusCode, faultIn(text));
    return JSON.parse(text) as T;
  }

  return {
    get: (path) => ask("GET", path),
    list: async <T>(path: string) => (await ask<{ items: T[] }>("GET", path))?.items ?? [],
    post: async <T>(path: string, body: unknown) => (await ask<T>("POST", path, body)) as T,
    patch: (path, body) => ask("PATCH", path, body),
    remove: async (path) => void (await ask("DELETE", path, { gracePeriodSeconds: 0 })),
    [Symbol.asyncDispose]: () => pool.destroy(),
  };
}

function faultIn(text: string): { reason?: string; message?: string } {
  try {
    return JSON.parse(text) as { reason?: string; message?: string };
  } catch {
    return { message: text.slice(0, 200) };
  }
}
