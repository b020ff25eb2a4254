import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { envOf, http1, startTestSandbox } from "../test/support/raw-client.ts";
import { fieldsOf, listOf, parseJson, textOf } from "./kit/read.ts";
import { startSandbox } from "./main.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "carillon-sandbox-"));
});
after(() => rm(directory, { recursive: true, force: true }));

test("a second start in the directory has the same credentials, ports and subscriptions", async () => {
  const run = async () => {
    await using sandbox = await startSandbox({ directory });
    const subscriptions = ["phone", "tablet"].map((name) => sandbox.webPushSubscription(name));
    const values = Object.keys(sandbox.env).map((name) => envOf(sandbox, name));
    const ports = [...values, ...subscriptions.map((s) => s.pushUrl)].map((text) => /127\.0\.0\.1:(\d+)/.exec(text)?.[1]);
    const rest = JSON.stringify([values, subscriptions]).replace(/127\.0\.0\.1:\d+/g, "127.0.0.1");
    return { ports, rest, subscriptions };
  };
  const first = await run();
  const second = await run();
  assert.equal(second.rest, first.rest);
  // Another program may use one of them by now, but not all.
  assert.ok(first.ports.some((port, index) => port !== undefined && port === second.ports[index]));
  assert.notEqual(first.subscriptions[0]?.p256dh, first.subscriptions[1]?.p256dh);
});

test("a remembered port that is in use is replaced, a requested one is not", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  try {
    const { port } = taken.address() as { port: number };
    await writeFile(join(directory, "ports.json"), JSON.stringify({ twilio: port }));
    await using sandbox = await startSandbox({ directory });
    assert.notEqual(Number(new URL(envOf(sandbox, "TWILIO_ORIGIN")).port), port);
    assert.deepEqual(sandbox.moved, [{ name: "twilio", port }]);
    await assert.rejects(startTestSandbox({ ports: { twilio: port } }), { code: "EADDRINUSE" });
  } finally {
    taken.close();
  }
});

test("disposal ends waiting requests and frees the ports", async () => {
  const sandbox = await startTestSandbox();
  sandbox.faults.order({ provider: "mandrill", do: { kind: "no-answer" } });
  const waiting = http1(sandbox, `${envOf(sandbox, "MANDRILL_ORIGIN")}/api/1.3/messages/send`, { body: "{}" });
  const broken = assert.rejects(waiting, { code: "ECONNRESET" });
  await sandbox.ledger.arrived({ provider: "mandrill" }, 1);
  await sandbox[Symbol.asyncDispose]();
  await broken;
  await assert.rejects(http1(sandbox, sandbox.adminUrl), { code: "ECONNREFUSED" });
});

test("the certificate holds for loopback and for the providers' own names, and APNs speaks HTTP/2 alone", async () => {
  await using sandbox = await startTestSandbox();
  const protocolFor = async (variable: string, servername: string, ALPNProtocols: string[]) => {
    const port = Number(new URL(envOf(sandbox, variable)).port);
    const socket = connect({ host: "127.0.0.1", port, servername, ALPNProtocols, ca: envOf(sandbox, "PROVIDER_CA_FILE") });
    try {
      await once(socket, "secureConnect");
      return socket.alpnProtocol;
    } finally {
      socket.destroy();
    }
  };
  assert.equal(await protocolFor("APNS_ORIGIN", "api.push.apple.com", ["h2"]), "h2");
  assert.equal(await protocolFor("FCM_ORIGIN", "fcm.googleapis.com", ["http/1.1"]), "http/1.1");
  assert.equal(await protocolFor("FCM_ORIGIN", "oauth2.googleapis.com", ["h2", "http/1.1"]), "h2");
  await assert.rejects(protocolFor("APNS_ORIGIN", "api.push.apple.com", ["http/1.1"]));
  await assert.rejects(protocolFor("APNS_ORIGIN", "elsewhere.example.com", ["h2"]), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

test("the admin API shows the ledger, orders faults, creates subscriptions and accepts callbacks", async () => {
  await using sandbox = await startTestSandbox();
  const admin = (method: string, path: string, body?: unknown) =>
    http1(sandbox, `${sandbox.adminUrl}${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  const mandrill = () => http1(sandbox, `${envOf(sandbox, "MANDRILL_ORIGIN")}/api/1.3/messages/send`, { body: "{}" });

  const ordered = await admin("POST", "/faults", { provider: "mandrill", do: { kind: "answer", status: 503 } });
  assert.equal(ordered.status, 201);
  assert.equal(listOf(fieldsOf((await admin("GET", "/faults")).json).faults).length, 1);
  assert.equal((await mandrill()).status, 503);
  assert.deepEqual((await admin("GET", "/faults")).json, { faults: [] });
  assert.equal((await admin("POST", "/faults", { provider: "mandrill", do: { kind: "burn" } })).status, 400);
  const { id } = fieldsOf((await admin("POST", "/faults", { provider: "apns", do: { kind: "no-answer" } })).json);
  assert.equal((await admin("DELETE", `/faults?id=${id}`)).status, 204);
  assert.deepEqual(sandbox.faults.standing(), []);

  await mandrill();
  const answers = async (query: string) =>
    listOf(fieldsOf((await admin("GET", `/ledger${query}`)).json).entries).map((e) => fieldsOf(e).answer);
  assert.deepEqual(await answers(""), ["503 ordered", "401 Invalid_Key"]);
  assert.deepEqual(await answers("?provider=mandrill&limit=1"), ["401 Invalid_Key"]);
  assert.deepEqual(await answers("?provider=apns"), []);
  assert.deepEqual(await answers(`?since=${Date.now() + 60_000}`), []);
  assert.deepEqual(await answers("?deliveryId=none"), []);
  assert.equal((await admin("GET", "/ledger?provider=pigeon")).status, 400);
  assert.deepEqual(fieldsOf(fieldsOf((await admin("GET", "/ledger/summary")).json).providers).mandrill, { accepted: 0, rejected: 2 });
  assert.deepEqual((await admin("GET", "/ledger/acceptances")).json, {});
  sandbox.ledger.add({
    ...{ provider: "apns", deliveryId: "d-1", attemptId: "d-1/1", recipient: "r", accepted: true, answer: "200", receivedAt: 1 },
    ...{ payload: {}, headers: {} },
  });
  assert.deepEqual((await admin("POST", "/ledger/acceptances", { deliveryIds: ["d-0", "d-1", 7] })).json, { "d-1": 1 });
  assert.equal((await admin("POST", "/ledger/acceptances", { ids: [] })).status, 400);
  assert.equal((await admin("DELETE", "/ledger")).status, 204);
  assert.deepEqual(await answers(""), []);

  assert.deepEqual((await admin("GET", "/webpush/subscriptions/phone")).json, sandbox.webPushSubscription("phone"));
  assert.equal((await admin("GET", "/webpush/subscriptions/a%20b")).status, 400);
  assert.equal((await admin("POST", "/sink/twilio?attempt=1", {})).status, 204);
  assert.equal((await admin("GET", "/nowhere")).status, 404);
});

test("run as a program it prints its environment and ends on SIGTERM", async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "main.ts"), "--directory", directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  try {
    let text = "";
    for await (const chunk of child.stdout) {
      text += chunk;
      if (parseJson(text) !== undefined) break;
    }
    const { env, adminUrl } = fieldsOf(parseJson(text));
    assert.match(textOf(fieldsOf(env).APNS_ORIGIN), /^https:\/\/127\.0\.0\.1:\d+$/);
    assert.equal((await fetch(`${adminUrl}/health`)).status, 204);
    child.kill("SIGTERM");
    assert.deepEqual(await exited, [0, null]);
  } finally {
    child.kill("SIGKILL");
  }
});
