import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readConfig } from "../../runtime/config.ts";
import { metricsApiOptions, metricsApiVariables } from "./config.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-metrics-api-"));
after(() => rmSync(directory, { recursive: true }));
const file = (name: string) => {
  writeFileSync(join(directory, name), name);
  return join(directory, name);
};
const [cert, key, ca] = [file("tls.crt"), file("tls.key"), file("ca.pem")];
file("token");
const pod = { KUBERNETES_SERVICE_HOST: "10.96.0.1", AUTOSCALER_METRICS_API_SERVICE_ACCOUNT_DIR: directory };
const optionsOf = (env: Record<string, string>) => metricsApiOptions(readConfig(metricsApiVariables, env));
const listening = (env: Record<string, string>) => optionsOf({ AUTOSCALER_METRICS_API_LISTEN: "0.0.0.0:7740", ...env });

test("is off without a listening address", () => {
  assert.equal(optionsOf({}), undefined);
  assert.equal(optionsOf({ ...pod, AUTOSCALER_METRICS_API_CERT_FILE: cert }), undefined);
});

test("in a pod a listening address is enough", () => {
  assert.deepEqual(listening(pod), {
    listen: { host: "0.0.0.0", port: 7740 },
    certificate: { kind: "self-signed" },
    trust: { kind: "cluster" },
    kubernetes: { host: "10.96.0.1", port: 443, directory },
    allowedUsers: ["system:serviceaccount:kube-system:horizontal-pod-autoscaler", "system:kube-controller-manager"],
    namespace: undefined,
  });
});

test("a pod without a service account's token needs the authority in a file", () => {
  const bare = { ...pod, AUTOSCALER_METRICS_API_SERVICE_ACCOUNT_DIR: join(directory, "nowhere") };
  assert.throws(() => listening(bare), /AUTOSCALER_METRICS_API_CLIENT_CA_FILE: must be set.*no service account's token is mounted/);
  assert.throws(() => listening({}), /KUBERNETES_SERVICE_HOST is empty/);
  const options = listening({ ...bare, AUTOSCALER_METRICS_API_CLIENT_CA_FILE: ca, AUTOSCALER_METRICS_API_CLIENT_NAMES: "a, b" });
  assert.equal(options?.kubernetes, undefined);
  assert.deepEqual(options?.trust, { kind: "file", path: ca, names: ["a", "b"] });
});

test("a pod with both asks the API server who may read, and takes the authority from the file", () => {
  const options = listening({
    ...pod,
    AUTOSCALER_METRICS_API_CLIENT_CA_FILE: ca,
    AUTOSCALER_METRICS_API_NAMESPACE: "notifications",
    AUTOSCALER_METRICS_API_ALLOWED_USERS: "jane",
  });
  assert.deepEqual([options?.trust.kind, options?.kubernetes?.host, options?.namespace], ["file", "10.96.0.1", "notifications"]);
  assert.deepEqual(options?.allowedUsers, ["jane"]);
});

test("a certificate and its key come together", () => {
  const both = { AUTOSCALER_METRICS_API_CERT_FILE: cert, AUTOSCALER_METRICS_API_KEY_FILE: key };
  assert.deepEqual(listening({ ...pod, ...both })?.certificate, { kind: "files", certFile: cert, keyFile: key });
  for (const name of Object.keys(both) as (keyof typeof both)[])
    assert.throws(() => listening({ ...pod, [name]: both[name] }), /CERT_FILE and AUTOSCALER_METRICS_API_KEY_FILE: set both or neither/);
});

for (const [given, expected] of [
  ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
  ["[::]:7740", { host: "::", port: 7740 }],
] as const)
  test(`listens at ${given}`, () => {
    assert.deepEqual(listening({ ...pod, AUTOSCALER_METRICS_API_LISTEN: given })?.listen, expected);
  });

for (const given of ["7740", ":7740", "0.0.0.0:70000", "::7740", "host:port"])
  test(`"${given}" is not a listening address`, () => {
    assert.throws(() => listening({ ...pod, AUTOSCALER_METRICS_API_LISTEN: given }), /AUTOSCALER_METRICS_API_LISTEN: must be host:port/);
  });
