import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "node:tls";
import { eventually } from "../../test/support/eventually.ts";
import { FIRST_RELOAD_MS, type MetricsApiOptions, RELOAD_MS, UNVERIFIED_RELOAD_MS } from "./main.ts";
import { createSigner, type Pair } from "./test/front-proxy.ts";
import { configMapOf, forbidden } from "./test/kubernetes-api.ts";
import { AGGREGATOR, ask, ended, HPA, proxy, proxyCa, SMS, serve, VERSION, valuesOf } from "./test/world.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-metrics-api-"));
ended.defer(() => rmSync(directory, { recursive: true }));

test("a start without the right to read the authority names the right", async () => {
  await assert.rejects(
    serve({}, (api) => (api.configMap = forbidden)),
    /Role extension-apiserver-authentication-reader of kube-system/,
  );
  await assert.rejects(
    serve({}, (api) => (api.configMap = { code: 200, body: { data: {} } })),
    /has no requestheader-client-ca-file/,
  );
});

test("an API server unreachable at the start is asked again, and until then every request fails", async () => {
  const { port, kubernetes, clock } = await serve({}, (api) => (api.configMap = { code: 503, body: {} }));
  const early = await ask(port, VERSION, { headers: AGGREGATOR });
  assert.deepEqual([early.code, early.body.reason], [503, "ServiceUnavailable"]);
  kubernetes.configMap = configMapOf(proxyCa.cert, []);
  clock.advance(FIRST_RELOAD_MS);
  await eventually("the authority is read", async () => (await ask(port, SMS)).code === 200);
});

test("a new authority ends the connections of the one before, and is the only one accepted", async () => {
  const { port, kubernetes, clock } = await serve();
  const agent = new Agent({ keepAlive: true });
  ended.defer(() => agent.destroy());
  const first = await ask(port, SMS, { agent });
  assert.equal(first.code, 200);
  assert.equal((await ask(port, SMS, { agent })).socket, first.socket, "the connection is kept");
  const closed = once(first.socket, "close");
  const renewedCa = await createSigner("front-proxy-ca");
  kubernetes.configMap = configMapOf(renewedCa.cert, ["front-proxy-client"]);
  clock.advance(RELOAD_MS);
  await closed;
  assert.equal((await ask(port, SMS)).code, 401);
  assert.equal((await ask(port, SMS, { as: await renewedCa.issue("front-proxy-client") })).code, 200);
  assert.equal((await ask(port, SMS, { as: await renewedCa.issue("admin") })).code, 401);
});

for (const version of ["TLSv1.2", "TLSv1.3"] as const)
  test(`TLS sessions are not resumed, so that each connection is verified by the current authority (${version})`, async () => {
    const { port } = await serve();
    const session = Promise.withResolvers<Buffer | undefined>();
    const open = async (from?: Buffer) => {
      const options = { ...proxy, minVersion: version, maxVersion: version, rejectUnauthorized: false, servername: "localhost" };
      const socket = connect({ host: "127.0.0.1", port, ...options, ...(from ? { session: from } : {}) });
      socket.on("session", session.resolve);
      socket.on("close", () => session.resolve(undefined));
      await once(socket, "secureConnect");
      const isReused = socket.isSessionReused();
      // A server sends session tickets after the handshake, at the latest before its first answer.
      socket.write(`GET ${VERSION} HTTP/1.1\r\nhost: x\r\nx-remote-user: x\r\nconnection: close\r\n\r\n`);
      socket.resume();
      await once(socket, "close");
      return isReused;
    };
    await open();
    const kept = await session.promise;
    assert.equal(kept ? await open(kept) : false, false);
  });

test("an unverified certificate reloads the authority at once, but not each time", async () => {
  const { port, kubernetes, clock } = await serve();
  const renewedCa = await createSigner("front-proxy-ca");
  kubernetes.configMap = configMapOf(renewedCa.cert, ["front-proxy-client"]);
  clock.advance(UNVERIFIED_RELOAD_MS);
  const renewed = await renewedCa.issue("front-proxy-client");
  assert.equal((await ask(port, SMS, { as: renewed })).code, 401);
  await eventually("the new authority is believed", async () => (await ask(port, SMS, { as: renewed })).code === 200);
  const reads = () => kubernetes.asked.filter((asked) => asked.method === "GET").length;
  const before = reads();
  for (let n = 0; n < 5; n++) assert.equal((await ask(port, SMS)).code, 401);
  assert.equal(reads(), before);
});

test("an authority that cannot be read stays as it was", async () => {
  const { port, kubernetes, clock, lines } = await serve();
  const reads = () => kubernetes.asked.filter((asked) => asked.method === "GET").length;
  for (const configMap of [forbidden, { code: 500, body: {} }, configMapOf("nonsense", [])]) {
    kubernetes.configMap = configMap;
    const before = reads();
    const logged = () => lines.filter((line) => line.includes("front proxy authority cannot be read")).length;
    const loggedBefore = logged();
    clock.advance(RELOAD_MS);
    await eventually("it is read again and logged", () => reads() > before && logged() > loggedBefore);
    assert.equal((await ask(port, SMS)).code, 200);
  }
});

test("the service account's token and the API server's authority are read at each call", async () => {
  const { port, kubernetes, clock } = await serve();
  kubernetes.useToken("token-2", true);
  assert.equal((await ask(port, SMS)).code, 200);
  assert.equal(kubernetes.asked.at(-1)?.token, "token-2");
  await kubernetes.useAuthority(true);
  clock.advance(RELOAD_MS);
  assert.equal((await ask(port, SMS, { headers: { "X-Remote-User": "new-user" } })).code, 200);
});

test("an API server of another authority is not called, one that does not know the token reviews nothing, and no log line holds the token", async () => {
  const { port, kubernetes, lines } = await serve();
  kubernetes.useToken("token-3", false);
  const unknown = await ask(port, SMS);
  assert.deepEqual([unknown.code, unknown.body.reason], [503, "ServiceUnavailable"]);
  await kubernetes.useAuthority(false);
  const before = kubernetes.asked.length;
  const forged = await ask(port, SMS);
  assert.equal(forged.code, 503);
  assert.match(forged.body.message ?? "", /is unreachable: \w*(CERT|SIGNATURE)/);
  assert.equal(kubernetes.asked.length, before);
  assert.ok(!lines.some((line) => line.includes("token-1")));
});

test("outside a cluster the authority comes from a file, also an intermediate one, and the named users may read", async () => {
  const intermediate = await proxyCa.intermediate("front-proxy-intermediate");
  const path = join(directory, "front-proxy.pem");
  writeFileSync(path, intermediate.cert);
  const trust = { kind: "file", path, names: ["front-proxy-client"] } as const;
  const { port, clock } = await serve({ trust, kubernetes: undefined, allowedUsers: [HPA["X-Remote-User"]] });
  const as = await intermediate.issue("front-proxy-client");
  assert.equal((await ask(port, SMS, { as })).code, 200);
  assert.equal((await ask(port, SMS.replace("notifications", "default"), { as })).code, 200, "there is no namespace of ours");
  assert.equal((await ask(port, SMS, { as, headers: { "X-Remote-User": "jane" } })).code, 403);
  assert.equal((await ask(port, SMS)).code, 401, "of the authority above");
  writeFileSync(path, proxyCa.cert);
  clock.advance(RELOAD_MS);
  await eventually("the new file is believed", async () => (await ask(port, SMS)).code === 200);
});

test("a file without an authority ends the start", async () => {
  const path = join(directory, "empty.pem");
  writeFileSync(path, "");
  const start = (trust: MetricsApiOptions["trust"]) => serve({ trust, kubernetes: undefined });
  await assert.rejects(start({ kind: "file", path, names: [] }), /holds no certificate/);
  await assert.rejects(start({ kind: "file", path: `${path}.missing`, names: [] }), /cannot be read \(ENOENT\)/);
});

test("the server certificate is reloaded when it changes, and a broken one is not used", async () => {
  const [certFile, keyFile] = [join(directory, "tls.crt"), join(directory, "tls.key")];
  const mount = ({ cert, key }: Pair) => {
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
  };
  const [before, later] = [await createSigner("before"), await createSigner("later")];
  mount(await before.issue("carillon-autoscaler", "server"));
  const { port, clock, lines } = await serve({ certificate: { kind: "files", certFile, keyFile } });
  assert.deepEqual(await valuesOf(port, { ca: before.cert }), ["950000m"]);
  writeFileSync(keyFile, "nonsense");
  clock.advance(RELOAD_MS);
  await eventually("it is logged", () => lines.some((line) => line.includes("certificate not reloaded")));
  assert.deepEqual(await valuesOf(port, { ca: before.cert }), ["950000m"]);
  mount(await later.issue("carillon-autoscaler", "server"));
  clock.advance(RELOAD_MS);
  await eventually("the new one is shown", async () => (await valuesOf(port, { ca: later.cert }).catch(() => undefined)) !== undefined);
  await assert.rejects(valuesOf(port, { ca: before.cert }));
  writeFileSync(keyFile, before.key);
  await assert.rejects(
    serve({ certificate: { kind: "files", certFile, keyFile } }),
    /AUTOSCALER_METRICS_API_KEY_FILE: the key does not belong/,
  );
});
