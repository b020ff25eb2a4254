// The operator's commands, against a running system.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DEV_APP } from "../../cli/dev.ts";
import { notificationId } from "../../infra/hash.ts";
import { openStore } from "../../infra/store.ts";
import { sampleNotification } from "../support/notification-samples.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { runCli } from "./cli-process.ts";

const limits = { timeout: 60_000 };
let directory: string;
let system: TestSystem;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), "carillon-commands-"));
  system = await startSystem();
  writeFileSync(join(directory, "key"), `${system.apiKey}\n`);
}, limits);
after(async () => {
  await system?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
}, limits);
const client = () => ["--address", system.gatewayAddress, "--key-file", join(directory, "key")];
const lineOf = (key: string, about: object = {}) =>
  JSON.stringify({
    key,
    endpoint: { emailAddress: "ada@example.com" },
    category: "orders",
    email: { subject: "Hi", text: "there" },
    ...about,
  });

test("send tells what became of each line, and ends with 1 when one was refused", limits, async () => {
  const file = join(directory, "lines.jsonl");
  writeFileSync(file, [lineOf("one"), lineOf("two"), lineOf("one")].join("\n"));
  const good = await runCli(["send", "--file", file, ...client()]);
  assert.equal(good.code, 0, good.stderr);
  const results = good.stdout
    .trim()
    .split("\n")
    .map((l) => JSON.parse(l) as { line: number; key: string; repeated?: boolean });
  assert.deepEqual(results.map((r) => [r.line, r.key]).sort(), [
    [1, "one"],
    [2, "two"],
    [3, "one"],
  ]);
  assert.equal(results.filter((r) => r.repeated).length, 1);
  writeFileSync(file, [lineOf("three"), lineOf("four", { category: "Not This" }), "{", lineOf("five", { wrong: 1 })].join("\n"));
  const bad = await runCli(["send", "--file", file, ...client()]);
  assert.equal(bad.code, 1);
  const refused = bad.stdout
    .trim()
    .split("\n")
    .map((l) => JSON.parse(l) as { line: number; error?: { code: string } });
  assert.deepEqual(
    refused
      .filter((r) => r.error)
      .map((r) => r.line)
      .sort(),
    [2, 3, 4],
  );
});

test("get prints a notification, its endpoint masked, and ends with 1 for an unknown one", limits, async () => {
  const file = join(directory, "get.jsonl");
  writeFileSync(file, lineOf("shown"));
  await runCli(["send", "--file", file, ...client()]);
  const { code, stdout } = await runCli(["get", notificationId(DEV_APP, "shown"), ...client()]);
  assert.equal(code, 0);
  const shown = JSON.parse(stdout) as { key: string; deliveries: { channel: string; endpoint: string }[] };
  assert.equal(shown.key, "shown");
  assert.deepEqual(
    shown.deliveries.map((d) => [d.channel, d.endpoint]),
    [["email", "a…@example.com"]],
  );
  const unknown = await runCli(["get", "0".repeat(32), ...client()]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /NOT_FOUND/);
});

test("audit counts, and ends with 1 when a promise is broken", limits, async () => {
  const sound = await runCli(["audit", "--json", "--ledger", system.sandbox.adminUrl], { STORE_URL: system.storeUrl });
  assert.equal(sound.code, 0, sound.stdout);
  const counted = JSON.parse(sound.stdout) as { notifications: number; checks: { holds: boolean }[] };
  assert.ok(counted.notifications >= 1 && counted.checks.length >= 5 && counted.checks.every((c) => c.holds));

  const STORE_URL = `sqlite:${join(directory, "broken.sqlite")}`;
  {
    await using store = await openStore(STORE_URL);
    const record = sampleNotification("never-attempted", Date.now());
    const deliveries = record.deliveries.map((d) => ({ ...d, state: "sent" as const, nextAt: undefined, endedAt: Date.now() }));
    await store.notifications.insert([{ ...record, deliveries }]);
  }
  const broken = await runCli(["audit"], { STORE_URL });
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /BROKEN +3 sent has its attempt/);
});
