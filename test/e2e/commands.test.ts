// The operator's commands, against a running system.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { notificationId } from "../../adapters/ids.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import { DEV_APP } from "../../cli/dev/dev.ts";
import type { Delivery } from "../../core/delivery/notification.ts";
import { notificationIdOf } from "../../core/ports/attempt-store.ts";
import { type Notification, NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import type { FaultAction } from "../../sandbox/main.ts";
import { eventually } from "../support/eventually.ts";
import { freshToken } from "../support/fresh.ts";
import { sampleNotification } from "../support/notification-samples.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { ended, send, settled, toEndpoint } from "./calls.ts";
import { runCli, startCli } from "./cli-process.ts";

let directory: string;
let system: TestSystem;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), "carillon-commands-"));
  system = await startSystem({ UNCERTAIN_WAIT_MS: "1000" });
  writeFileSync(join(directory, "key"), `${system.apiKey}\n`);
});
after(async () => {
  await system?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});
const client = () => ["--address", system.gatewayAddress, "--key-file", join(directory, "key")];
const lineOf = (key: string, about: object = {}) =>
  JSON.stringify({
    key,
    endpoint: { emailAddress: "ada@example.com" },
    category: "orders",
    email: { subject: "Hi", text: "there" },
    ...about,
  });

test("send prints the result of each line, and exits with 1 when one was rejected", async () => {
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
  const rejected = bad.stdout
    .trim()
    .split("\n")
    .map((l) => JSON.parse(l) as { line: number; error?: { code: string } });
  assert.deepEqual(
    rejected
      .filter((r) => r.error)
      .map((r) => r.line)
      .sort(),
    [2, 3, 4],
  );
});

test("get prints a notification with its endpoint masked, and exits with 1 for an unknown one", async () => {
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

test("audit prints counts, and exits with 1 when a promise is broken", async () => {
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

test("audit finds no broken promise under load", async () => {
  const file = join(directory, "load.jsonl");
  writeFileSync(file, Array.from({ length: 300 }, (_, i) => lineOf(`load-${i}`)).join("\n"));
  await using load = startCli(["send", "--file", file, "--rate", "60", "--batch", "10", ...client()]);
  let over = false;
  void load.ended.then(() => {
    over = true;
  });
  await eventually("load has begun", () => load.stdout() !== "");
  let audits = 0;
  for (; !over; audits++) {
    const { code, stdout } = await runCli(["audit", "--ledger", system.sandbox.adminUrl], { STORE_URL: system.storeUrl });
    assert.equal(code, 0, stdout);
  }
  assert.ok(audits >= 1);
  assert.equal((await load.ended).code, 0);
});

/** Sends to a new device whose provider answers as ordered; resolves to the failed delivery. */
async function fail(action: FaultAction, about: Partial<Notification> = {}): Promise<Delivery> {
  const token = freshToken();
  system.sandbox.faults.order({ provider: "apns", match: token, do: action });
  return ended(system, await send(system, { recipient: toEndpoint({ channel: "apns", token }), ...about }));
}
const TOO_LARGE: FaultAction = { kind: "answer", status: 413, body: { reason: "PayloadTooLarge" } };
const ORDER = ["--by", "ann", "--why", "token renewed"];
const dead = (...args: string[]) => runCli(["dead", ...args], { STORE_URL: system.storeUrl });
const acceptedOf = ({ id }: Delivery) => system.sandbox.ledger.entries({ deliveryId: id, accepted: true }).map((e) => e.attemptId);
const sentOnce = async (d: Delivery, attempt: number) => {
  const [record] = await settled(system, [notificationIdOf(d.id)]);
  assert.deepEqual([record!.deliveries[0]!.state, record!.deliveries[0]!.reason], ["sent", undefined]);
  assert.deepEqual(acceptedOf(d), [`${d.id}/${attempt}`]);
};

test("dead letters are listed and redriven: each is sent once under the same id, and those that may have been sent stay", async () => {
  const rejected = await Promise.all([fail(TOO_LARGE), fail(TOO_LARGE), fail(TOO_LARGE)]);
  // Of pushes, only marketing is not repeated when its outcome is unknown.
  const maybe = await fail({ kind: "cut-after" }, { notificationClass: NotificationClass.NOTIFICATION_CLASS_MARKETING });
  assert.deepEqual([maybe.state, maybe.reason], ["failed", { code: "outcome-unknown" }]);

  const listed = JSON.parse((await dead("list", "--channel", "apns", "--since", "1h", "--json")).stdout) as {
    total: number;
    deliveries: { deliveryId: string; mayBeSent: boolean }[];
  };
  assert.equal(listed.total, 4);
  assert.deepEqual(
    new Map(listed.deliveries.map((l) => [l.deliveryId, l.mayBeSent])),
    new Map([...rejected.map((d) => [d.id, false] as const), [maybe.id, true]]),
  );
  const text = await dead("list", "--reason", "rejected", "--limit", "1");
  assert.match(text.stdout, /apns .* not sent +rejected: /);
  assert.match(text.stdout, /3 dead letters, the first 1 listed/);
  assert.match((await dead("list", "--channel", "sms")).stdout, /^no dead letters\n$/);

  // Two operators at the same moment.
  const both = await Promise.all([
    dead("redrive", "--channel", "apns", "--rate", "100", ...ORDER),
    dead("redrive", "--channel", "apns", ...ORDER),
  ]);
  for (const { code, stdout } of both) {
    assert.equal(code, 1);
    assert.match(stdout, /1 not redriven: may have been sent/);
    assert.ok(stdout.includes(maybe.id));
  }
  for (const d of rejected) await sentOnce(d, 2);
  assert.deepEqual(acceptedOf(maybe), [`${maybe.id}/1`]);

  const named = await dead("redrive", maybe.id, "--dry-run");
  assert.deepEqual([named.code, named.stdout.split("\n")[0]], [1, "0 would be redriven"]);
  const asked = await dead("redrive", maybe.id, "--uncertain", ...ORDER);
  assert.deepEqual([asked.code, asked.stdout], [0, "1 redriven\n"]);
  const log = await runCli(["audit-log", "--json"], { STORE_URL: system.storeUrl });
  const { actions } = JSON.parse(log.stdout) as {
    actions: { action: string; actor: string; target: string; reason: string; result: string }[];
  };
  const redrives = actions.filter(({ action }) => action === "dead redrive");
  assert.deepEqual(
    redrives.map(({ actor, target, reason }) => [actor, target, reason]),
    [maybe.id, "channel apns", "channel apns"].map((target) => ["ann", target, "token renewed"]),
    "a dry run is no action",
  );
  assert.equal(redrives[0]?.result, "1 redriven, 0 left as they were");
  await settled(system, [notificationIdOf(maybe.id)]);
  assert.deepEqual(acceptedOf(maybe), [`${maybe.id}/1`, `${maybe.id}/2`]);

  const audited = await runCli(["audit", "--ledger", system.sandbox.adminUrl], { STORE_URL: system.storeUrl });
  assert.equal(audited.code, 0, audited.stdout);
  assert.match(audited.stdout, /1 redriven by an operator/);
  const { stdout } = await runCli(["get", notificationIdOf(maybe.id), ...client()]);
  assert.match(stdout, /"state": "sent"/);
});

test("redrive requires a selection, and an incomplete command prints its usage", async () => {
  for (const wrong of [[], ["--all", "--channel", "sms"], ["x"], ["--all", "--limit", "3"], ["--all"], ["--all", "--by", "ann"]])
    assert.equal((await dead("redrive", ...wrong)).code, 2, wrong.join(" "));
  assert.match((await dead("redrive", "--help")).stdout, /^usage: carillon dead redrive ID... | --all/);
});

test("poison messages are listed, and their bytes are written to files that only the owner can read", async () => {
  const id = "../../stream/7";
  await system.store.poison.keep({
    ...{ id, channel: "sms", notificationClass: "critical", reason: "not a task" },
    ...{ bytes: Buffer.from("what is this"), keptAt: Date.now() },
  });
  const out = join(directory, "poison");
  const { code, stdout } = await dead("poison", "--out", out);
  assert.equal(code, 0);
  assert.match(stdout, /sms +critical +\.\.\/\.\.\/stream\/7 +12 bytes +not a task\n/);
  const [file, ...more] = readdirSync(out);
  assert.deepEqual([more, readFileSync(join(out, file!), "utf8")], [[], "what is this"]);
  assert.equal(statSync(join(out, file!)).mode & 0o077, 0);
});
