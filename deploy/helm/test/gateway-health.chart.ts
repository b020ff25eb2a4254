// Runs the program of `helm test` as its pod does, against gateways with every kind of TLS.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type GrpcServer, startGrpcServer } from "../../../runtime/grpc/server.ts";
import { createLogger } from "../../../runtime/logger.ts";
import { watchCertificates } from "../../../runtime/tls/grpc-tls.ts";
import { createAuthority } from "../../../test/support/certificates.ts";
import { find, objectsOf } from "./render.ts";

const ROOT = join(import.meta.dirname, "../../..");
const log = createLogger("test", "silent");
const limits = { timeout: 60_000 };
const tls = { enabled: true, existingSecret: "gateway-tls" };
const asking = { ...tls, clientCa: { existingSecret: "callers-ca" } };
const clientCertificate = { existingSecret: "test-caller" };

const podOf = (values: object) => find(objectsOf({ values }), "Pod", "test-gateway").spec;

const stack = new AsyncDisposableStack();
const directory = mkdtempSync(join(tmpdir(), "carillon-helm-test-"));
stack.defer(() => rmSync(directory, { recursive: true }));
const path = (file: string) => join(directory, file);
before(async () => {
  const authority = await createAuthority("callers");
  const { cert, key } = await authority.issue();
  for (const [file, text] of Object.entries({ "tls.crt": cert, "tls.key": key, "ca.crt": authority.cert })) writeFileSync(path(file), text);
});
after(() => stack.disposeAsync());

async function gateway(kind: "plain" | "tls" | "asking", { ready = true } = {}): Promise<GrpcServer> {
  const file = (name: string) => ({ name, path: path(name) });
  const ca = kind === "asking" ? file("ca.crt") : undefined;
  const certificates = kind === "plain" ? undefined : watchCertificates({ cert: file("tls.crt"), key: file("tls.key"), ca }, { log });
  const server = stack.use(await startGrpcServer({ address: "127.0.0.1:0", services: [], reflection: false, log, tls: certificates }));
  if (ready) server.serveUntil(new AbortController().signal);
  return server;
}

/** The pod's own command and variables, except for the addresses of the gateway and the mounted Secret. */
async function run(values: object, address: string): Promise<{ code: number; output: string }> {
  const [{ command, args, env }] = podOf(values).containers;
  const variables = Object.fromEntries((env as { name: string; value: string }[]).map(({ name, value }) => [name, value]));
  const ours = { ADDRESS: address, ...(variables.CERTIFICATE ? { CERTIFICATE: directory } : {}) };
  const child = spawn(process.execPath, [...command.slice(1), ...args], { cwd: ROOT, env: { ...variables, ...ours } });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const [code] = (await once(child, "close")) as [number];
  return { code, output };
}

const RUNS: readonly [kind: "plain" | "tls" | "asking", values: object, output: RegExp][] = [
  ["plain", {}, /is SERVING/],
  ["tls", { gateway: { tls } }, /is SERVING/],
  ["tls", { gateway: { tls }, tests: { clientCertificate } }, /is SERVING/],
  ["asking", { gateway: { tls: asking }, tests: { clientCertificate } }, /is SERVING/],
  ["asking", { gateway: { tls: asking } }, /answers and requires a client certificate; set tests\.clientCertificate\.existingSecret/],
];
for (const [kind, values, output] of RUNS)
  test(`a ready gateway passes: ${kind}, ${JSON.stringify(values)}`, limits, async () => {
    const { address } = await gateway(kind);
    const ended = await run(values, address);
    assert.match(ended.output, output);
    assert.equal(ended.code, 0, ended.output);
  });

test("a gateway that is not ready fails, and so does one that is not reachable", limits, async () => {
  const { address } = await gateway("asking", { ready: false });
  const notReady = await run({ gateway: { tls: asking }, tests: { clientCertificate } }, address);
  assert.deepEqual([notReady.code, /NOT_SERVING/.test(notReady.output)], [1, true], notReady.output);
  const absent = await run({ gateway: { tls: asking } }, "127.0.0.1:1");
  assert.deepEqual([absent.code, /cannot be reached/.test(absent.output)], [1, true], absent.output);
});

test("the Secret is mounted only where the gateway speaks TLS", () => {
  const spec = podOf({ gateway: { tls: asking }, tests: { clientCertificate } });
  assert.deepEqual(spec.volumes, [{ name: "client-tls", secret: { secretName: "test-caller", defaultMode: 0o440 } }]);
  assert.equal(spec.containers[0].volumeMounts[0].mountPath, spec.containers[0].env.at(-1).value);
  assert.equal(podOf({ tests: { clientCertificate } }).volumes, undefined);
});
