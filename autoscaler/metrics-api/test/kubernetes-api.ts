// The two resources of a Kubernetes API server that extension API servers use, over HTTPS, for clients with the right token.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSigner } from "./front-proxy.ts";

export interface Asked {
  method: string;
  path: string;
  token: string;
  /** Decoded; undefined without one. */
  body: unknown;
}
interface Answered {
  code: number;
  body: unknown;
}

export interface KubernetesApi extends AsyncDisposable {
  port: number;
  /** The service account, as the kubelet mounts it. */
  directory: string;
  asked: Asked[];
  /** The ConfigMap extension-apiserver-authentication. */
  configMap: Answered;
  /** Answers a review of `spec`. */
  review(spec: { user: string }): Answered;
  /** Awaited before a review is answered. */
  hold(): Promise<void>;
  /** The only valid token from now on; `mounted` also writes it to the directory. */
  useToken(token: string, mounted: boolean): void;
  /** Changes the server certificate and its authority; `mounted` also writes the authority to the directory. */
  useAuthority(mounted: boolean): Promise<void>;
}

export const allowed = (yes: boolean): Answered => ({ code: 201, body: { kind: "SubjectAccessReview", status: { allowed: yes } } });
export const forbidden: Answered = { code: 403, body: { kind: "Status", code: 403 } };

export const configMapOf = (ca: string, names: readonly string[]): Answered => ({
  code: 200,
  body: {
    kind: "ConfigMap",
    data: {
      "client-ca-file": "for others",
      "requestheader-client-ca-file": ca,
      "requestheader-allowed-names": JSON.stringify(names),
      "requestheader-username-headers": '["X-Remote-User"]',
      "requestheader-group-headers": '["X-Remote-Group"]',
      "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    },
  },
});

export async function startKubernetesApi(): Promise<KubernetesApi> {
  const directory = mkdtempSync(join(tmpdir(), "carillon-service-account-"));
  mkdirSync(directory, { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  const authority = await createSigner("kubernetes");
  write("ca.crt", authority.cert);
  write("namespace", "notifications");
  let token = "token-1";
  write("token", `${token}\n`);

  const server = createServer(await authority.issue("kube-apiserver", "server"), async (message, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const seen = (message.headers.authorization ?? "").replace(/^Bearer /, "");
    const asked = { method: message.method ?? "", path: message.url ?? "", token: seen, body: text === "" ? undefined : JSON.parse(text) };
    api.asked.push(asked);
    if (asked.method === "POST") await api.hold();
    const { code, body } = seen === token ? answerTo(asked) : { code: 401, body: { kind: "Status", code: 401 } };
    response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  function answerTo({ method, path, body }: Asked): Answered {
    switch (`${method} ${path}`) {
      case "GET /api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication":
        return api.configMap;
      case "POST /apis/authorization.k8s.io/v1/subjectaccessreviews":
        return api.review((body as { spec: { user: string } }).spec);
      default:
        return { code: 404, body: { kind: "Status", code: 404 } };
    }
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const api: KubernetesApi = {
    port: (server.address() as AddressInfo).port,
    directory,
    asked: [],
    configMap: { code: 404, body: {} },
    review: () => allowed(true),
    hold: async () => undefined,
    useToken(next, mounted) {
      token = next;
      if (mounted) write("token", next);
    },
    async useAuthority(mounted) {
      const next = await createSigner("kubernetes, renewed");
      server.setSecureContext(await next.issue("kube-apiserver", "server"));
      server.closeAllConnections();
      if (mounted) write("ca.crt", next.cert);
    },
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return api;
}
