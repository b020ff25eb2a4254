import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { parseEnv } from "node:util";
import { startTestSandbox } from "../../test/support/raw-client.ts";
import { freePort } from "../../test/support/store-server.ts";
import { fetchCredentials } from "./sandbox-credentials.ts";

let scratch: string;
before(() => {
  scratch = mkdtempSync(join(tmpdir(), "carillon-sandbox-command-"));
});
after(() => rmSync(scratch, { recursive: true }));

/** `carillon …` with only these variables. */
const carillon = (args: string[], env: Record<string, string> = {}, node: string[] = []) =>
  spawn(process.execPath, [...node, join(import.meta.dirname, "../carillon.ts"), ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });

async function ended(child: ReturnType<typeof carillon>) {
  const [out, fault, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { out, fault, status };
}

test("a sandbox on a host and port of its own gives a role everything it needs", async () => {
  const adminPort = await freePort();
  const sandbox = carillon(["sandbox"], {
    SANDBOX_DIRECTORY: join(scratch, "state"),
    SANDBOX_HOST: "127.0.0.1",
    // "localhost" for the test to reach it; the other one for its certificate.
    SANDBOX_NAMES: "localhost,sandbox.default.svc",
    SANDBOX_PORTS: `admin=${adminPort}`,
    SANDBOX_WEBHOOKS_URL: "http://feedback:7720/",
    SANDBOX_SHARE_CREDENTIALS: "true",
  });
  try {
    // It is asked before it listens: --wait is for that.
    const to = join(scratch, "credentials");
    const fetched = await ended(
      carillon(["sandbox", "credentials", "--from", `http://127.0.0.1:${adminPort}`, "--to", to, "--wait", "30s"]),
    );
    assert.deepEqual([fetched.status, fetched.fault, fetched.out], [0, "", ""]);
    const env = parseEnv(readFileSync(join(to, "env"), "utf8")) as Record<string, string>;
    assert.match(env.APNS_ORIGIN ?? "", /^https:\/\/localhost:\d+$/);
    assert.deepEqual([env.FEEDBACK_URL, env.TWILIO_STATUS_CALLBACK_URL], ["http://feedback:7720", "http://feedback:7720/twilio"]);
    assert.equal(new URL(`https://${env.WEBPUSH_HOSTS}`).hostname, "localhost");
    const key = env.APNS_KEY_FILE ?? "";
    assert.ok(key.startsWith(to) && readFileSync(key, "utf8").includes("PRIVATE KEY"));
    assert.equal(statSync(key).mode & 0o777, 0o600);
    assert.equal(readFileSync(env.TWILIO_AUTH_TOKEN_FILE ?? "", "utf8"), readFileSync(join(scratch, "state/twilio-auth-token"), "utf8"));

    const ca = readFileSync(env.PROVIDER_CA_FILE ?? "", "utf8");
    const port = Number(new URL(env.APNS_ORIGIN ?? "").port);
    const secure = connect({ host: "127.0.0.1", port, servername: "sandbox.default.svc", ALPNProtocols: ["h2"], ca });
    await once(secure, "secureConnect");
    secure.destroy();

    // As a pod starts: the file's variables, and what the environment says of them goes first.
    const node = [`--env-file=${join(to, "env")}`, "--print", "process.env.EMAIL_FROM + process.env.FEEDBACK_URL"];
    const role = spawn(process.execPath, node, { env: { FEEDBACK_URL: "own" }, stdio: ["ignore", "pipe", "inherit"] });
    assert.equal(await text(role.stdout), `${env.EMAIL_FROM}own\n`);
  } finally {
    sandbox.kill("SIGTERM");
  }
  assert.equal((await ended(sandbox)).status, 0);
});

test("credentials are shared only if that is requested", async () => {
  await using sandbox = await startTestSandbox();
  const wanted = { from: sandbox.adminUrl, to: join(scratch, "none"), waitMs: 0 };
  await assert.rejects(fetchCredentials(wanted), /SANDBOX_SHARE_CREDENTIALS=true/);
  const answer = await fetch(`${sandbox.adminUrl}/credentials`);
  assert.equal(answer.status, 403);
  assert.doesNotMatch(await answer.text(), /KEY/);
});

test("without an answer it gives up after the wait", async () => {
  const from = `http://127.0.0.1:${await freePort()}`;
  await assert.rejects(fetchCredentials({ from, to: join(scratch, "none"), waitMs: 0 }), /no sandbox answers at 127\.0\.0\.1/);
});

test("mistakes in the sandbox's variables are named before anything listens", async () => {
  const wrong = await ended(carillon(["sandbox"], { SANDBOX_PORTS: "pigeon=7750", SANDBOX_WEBHOOKS_URL: "https://feedback" }));
  assert.equal(wrong.status, 1);
  for (const name of ["SANDBOX_DIRECTORY", "SANDBOX_PORTS", "SANDBOX_WEBHOOKS_URL"]) assert.match(wrong.fault, new RegExp(name));
});
