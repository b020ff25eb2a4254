// What the chart's evaluation profile runs, as processes on this machine: provision, the sandbox under a name, its credentials fetched, the
// roles configured with them, and the commands of NOTES.txt.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseEnv } from "node:util";
import { eventually } from "../support/eventually.ts";
import { startNats, startRedis } from "../support/servers.ts";
import { runCli, startCli } from "./cli-process.ts";
import { startRole } from "./role-process.ts";

/** Sent as in NOTES.txt: to a provider reached by name over TLS, and to one that sends webhooks. */
const NOTIFICATIONS = [
  { key: "a-1", endpoint: { apnsToken: "ab".repeat(32) }, push: { title: "Hello", body: "It works." } },
  { key: "s-1", endpoint: { phoneNumber: "+4915123456789" }, sms: { text: "It works." } },
].map((n) => ({ category: "hello", ...n }));

test("the evaluation profile sends notifications and receives webhooks", async () => {
  await using stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "carillon-evaluation-"));
  stack.defer(() => rmSync(directory, { recursive: true }));
  const nats = stack.use(await startNats());
  const redis = stack.use(await startRedis());
  const token = join(directory, "token");
  writeFileSync(token, "a token of forty characters or thereabouts");
  const servers = { NATS_URL: nats.url, REDIS_URL: redis.url, STORE_URL: `sqlite:${join(directory, "store.sqlite")}` };
  const shared = { ...servers, NATS_STREAM_BYTES_MAX: "134217728", INTERNAL_TOKEN_FILE: token, HTTP_HOST: "127.0.0.1", HTTP_PORT: "0" };
  const run = async (args: string[], env: Record<string, string> = shared) => {
    const { code, stdout, stderr } = await runCli(args, env);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  assert.match(await run(["provision"]), /^created {3}stream CARILLON_SMS$/m);

  const feedback = await startFeedback(shared, directory);
  stack.use(feedback.role);
  const sandbox = stack.use(
    startCli(["sandbox"], {
      SANDBOX_DIRECTORY: feedback.state,
      SANDBOX_NAMES: "localhost",
      SANDBOX_WEBHOOKS_URL: feedback.url,
      SANDBOX_SHARE_CREDENTIALS: "true",
    }),
  );
  await eventually("the sandbox is up", () => sandbox.stdout().includes("http://"));
  const admin = /http:\S+/.exec(sandbox.stdout())?.[0] ?? "";
  const credentials = join(directory, "credentials");
  await run(["sandbox", "credentials", "--from", admin, "--to", credentials]);
  const played = parseEnv(readFileSync(join(credentials, "env"), "utf8")) as Record<string, string>;

  const preferences = stack.use(await startRole("preferences", { ...shared, PREFERENCES_LISTEN: "127.0.0.1:0" }));
  const roleEnv = { ...played, ...shared, PREFERENCES_ADDRESS: preferences.addresses.grpc ?? "" };
  const gateway = stack.use(await startRole("gateway", { ...roleEnv, GATEWAY_LISTEN: "127.0.0.1:0" }));
  for (const role of ["relay", "dispatcher-apns", "dispatcher-sms"]) stack.use(await startRole(role, roleEnv));

  const keyFile = join(directory, "demo-key");
  assert.equal(await run(["app", "create", "demo", "--out", keyFile]), "");
  const file = join(directory, "hello.jsonl");
  writeFileSync(file, NOTIFICATIONS.map((n) => JSON.stringify(n)).join("\n"));
  await run(["send", "--file", file, "--key-file", keyFile, "--address", gateway.addresses.grpc ?? ""]);

  const taken = async () => ((await (await fetch(`${admin}/ledger?accepted=true`)).json()) as { count: number }).count;
  await eventually("both were accepted", async () => (await taken()) === NOTIFICATIONS.length);
  const webhooks = async () => (await (await fetch(`${admin}/webhooks`)).json()) as { told: number; open: number; givenUp: number };
  await eventually("the receipts of the SMS were received", async () => (await webhooks()).told === 2);
  assert.equal((await webhooks()).givenUp, 0);
  await eventually("the SMS is delivered", async () =>
    (await fetch(`http://${feedback.role.addresses.http}/metrics`).then((r) => r.text())).includes('kind="delivered"'),
  );
  assert.match(await run(["audit", "--ledger", admin]), /holds +3 no second send \(providers\)/);
});

/** Feedback needs the sandbox's keys, and the sandbox needs feedback's URL. As in a cluster, the keys are created first. */
async function startFeedback(shared: Record<string, string>, directory: string) {
  const state = join(directory, "sandbox");
  const first = startCli(["sandbox"], { SANDBOX_DIRECTORY: state, SANDBOX_SHARE_CREDENTIALS: "true" });
  await using _ = first;
  await eventually("the sandbox is up", () => first.stdout().includes("http://"));
  const to = join(directory, "first");
  const admin = /http:\S+/.exec(first.stdout())?.[0] ?? "";
  await runCli(["sandbox", "credentials", "--from", admin, "--to", to]);
  const played = parseEnv(readFileSync(join(to, "env"), "utf8")) as Record<string, string>;
  const role = await startRole("feedback", { ...played, ...shared, FEEDBACK_LISTEN: "127.0.0.1:0", FEEDBACK_URL: "http://127.0.0.1:0" });
  return { role, state, url: `http://${role.addresses.webhooks}` };
}
