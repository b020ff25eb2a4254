// The whole process ends half way, by SIGTERM or SIGKILL, and is started again on the same directory.
// The sandbox runs in this process, so its ledger outlives the tested one.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import type { LineResult } from "../../cli/gateway/send.ts";
import { UNCERTAIN_WAIT_MS } from "../../core/delivery/decide.ts";
import { IN_DOUBT_REPEATS } from "../../core/delivery/in-doubt.ts";
import { isOpen } from "../../core/delivery/notification.ts";
import { WATCHDOG_FIRST_MS } from "../../core/delivery/watchdog.ts";
import type { Store } from "../../core/ports/store.ts";
import { createRelayMetrics } from "../../relay/metrics.ts";
import { createRelay } from "../../relay/relay.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { ignoreEvents } from "../support/changes.ts";
import { eventually } from "../support/eventually.ts";
import { allAttempts } from "../support/everything.ts";
import { fresh, freshNumber, freshToken } from "../support/fresh.ts";
import { noShares } from "../support/no-shares.ts";
import { settled } from "./calls.ts";
import { type DevProcess, runCli, startDevProcess, stillRunning } from "./cli-process.ts";

/** Half of them critical, over three channels with four concurrent calls per class: they take two seconds. */
const COUNT = 200;
const IN_FLIGHT = 4;
const CALL_MS = 100;
const HALF_WAY = 40;
/** The watchdog's 30 s, the critical class's 10 s for an unknown outcome, and a machine busy with other things. */
const RESOLVED_MS = 80_000;

describe("half way", { concurrency: true }, () => {
  test("SIGTERM: attempts in progress finish, the rest is sent after the restart, each once", async () => {
    await using scene = await setScene();
    const first = await startDevProcess(scene.directory, scene.env);
    await using _first = first;
    const ids = await sendAll(scene, first);
    await eventually("half way", () => scene.sandbox.ledger.entries().length >= HALF_WAY);
    first.child.kill("SIGTERM");
    assert.equal((await first.ended).code, 0, first.stderr());
    await eventually("its servers have ended", () => stillRunning(first.childPids).length === 0);
    const taken = scene.sandbox.ledger.entries().length;
    assert.ok(taken < COUNT, "all were sent before it ended");
    {
      await using store = await openStore(first.storeUrl);
      const attempts = await allAttempts(store);
      assert.deepEqual(
        attempts.filter((a) => a.outcome?.kind !== "accepted"),
        [],
        "every outcome is recorded",
      );
      assert.equal(attempts.length, taken, "no attempt was left without an outcome");
    }

    await using second = await startDevProcess(scene.directory, scene.env);
    const records = await settled(second, ids, { waitMs: RESOLVED_MS });
    assert.ok(records.every((n) => n.deliveries.every((d) => d.state === "sent")));
    assert.deepEqual(new Set(scene.sandbox.ledger.acceptances().values()), new Set([1]));
    assert.equal(scene.sandbox.ledger.acceptances().size, COUNT);
    await auditHolds(scene, second);
  });

  test("SIGKILL: everything accepted ends, and only what may be repeated in doubt is sent twice", async () => {
    await using scene = await setScene();
    const first = await startDevProcess(scene.directory, scene.env);
    await using _first = first;
    const ids = await sendAll(scene, first);
    await eventually("half way", () => scene.sandbox.ledger.entries().length >= HALF_WAY);
    first.child.kill("SIGKILL");
    assert.equal((await first.ended).code, null);
    assert.ok(scene.sandbox.ledger.entries().length < COUNT, "all were sent before it was killed");

    // Restarted at once, as by an orchestrator.
    await using second = await startDevProcess(scene.directory, scene.env);
    await eventually("the servers of the first have ended", () => stillRunning(first.childPids).length === 0);
    const records = await settled(second, ids, { is: (d) => !isOpen(d.state) || d.state === "uncertain", waitMs: RESOLVED_MS });
    const critical = new Set(records.filter((n) => n.notificationClass === "critical").map((n) => n.id));
    await settled(second, [...critical], { waitMs: RESOLVED_MS });

    // Transactional deliveries wait five minutes for a receipt; a relay whose clock is ahead ends the wait at once.
    {
      await using store = await openStore(second.storeUrl);
      await fiveMinutesLater(store);
    }
    const ends = (await settled(second, ids)).flatMap((n) => n.deliveries);
    const unknown = ends.filter((d) => d.state !== "sent");
    for (const d of unknown) assert.deepEqual([d.state, d.reason], ["failed", { code: "outcome-unknown" }]);
    assert.ok(unknown.length <= 3 * IN_FLIGHT, `${unknown.length} with unknown outcome are more than could be in flight`);

    const taken = scene.sandbox.ledger.acceptances();
    // The process may also have ended between the claim and the call, which cannot be distinguished from a lost answer.
    for (const d of ends) assert.ok(taken.has(d.id) || unknown.includes(d), d.id);
    const twice = [...taken].filter(([, times]) => times > 1);
    // A transactional push is repeated, too: its copy replaces the first one.
    const repeatable = new Set(ends.filter((d) => d.channel === "apns" || critical.has(d.id.slice(0, 32))).map((d) => d.id));
    assert.ok(twice.every(([id, times]) => times === 2 && repeatable.has(id)));
    // Three channels of critical work, and one of transactional pushes.
    assert.ok(twice.length <= 4 * IN_FLIGHT, `${twice.length} were sent twice`);
    await auditHolds(scene, second);
  });
});

interface Scene extends AsyncDisposable {
  sandbox: Sandbox;
  directory: string;
  env: Record<string, string>;
}

async function setScene(): Promise<Scene> {
  const directory = mkdtempSync(join(tmpdir(), "carillon-restart-"));
  const sandbox = await startSandbox({ directory: join(directory, "providers") });
  for (const provider of ["apns", "twilio", "sendgrid"] as const)
    sandbox.faults.order({ provider, times: 10 * COUNT, do: { kind: "delay", ms: CALL_MS } });
  return {
    ...{ sandbox, directory, env: { ...sandbox.env, DISPATCH_IN_FLIGHT: String(IN_FLIGHT), PROVIDER_DEADLINE_MS: "6000" } },
    async [Symbol.asyncDispose]() {
      await sandbox[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Sends through `carillon send`; resolves to the notifications' ids once each is accepted. */
async function sendAll({ directory }: Scene, { gatewayAddress, keyFile }: DevProcess): Promise<string[]> {
  const endpoints = [
    () => ({ apnsToken: freshToken() }),
    () => ({ phoneNumber: freshNumber() }),
    () => ({ emailAddress: `${fresh("ada")}@example.com` }),
  ];
  const lines = Array.from({ length: COUNT }, (_, i) => ({
    ...{ key: `order-${i}`, endpoint: endpoints[i % endpoints.length]!(), category: "orders" },
    ...{ class: i % 2 === 0 ? "critical" : "transactional" },
    ...{ push: { title: "Your order" }, sms: { text: "Your order" }, email: { subject: "Your order", text: "It is on its way." } },
  }));
  const file = join(directory, "lines.jsonl");
  writeFileSync(file, lines.map((l) => JSON.stringify(l)).join("\n"));
  const { code, stdout, stderr } = await runCli(["send", "--file", file, "--address", gatewayAddress, "--key-file", keyFile]);
  assert.equal(code, 0, stderr + stdout);
  const ids = stdout
    .trim()
    .split("\n")
    .map((l) => (JSON.parse(l) as LineResult).notificationId ?? "");
  assert.equal(new Set(ids).size, COUNT);
  return ids;
}

async function auditHolds({ sandbox }: Scene, { storeUrl }: DevProcess): Promise<void> {
  const { code, stdout } = await runCli(["audit", "--ledger", sandbox.adminUrl], { STORE_URL: storeUrl });
  assert.equal(code, 0, stdout);
  assert.match(stdout, new RegExp(`${COUNT} = ${COUNT} ended \\+ 0 open`));
}

/** One iteration of a relay that lives then; it has nothing to publish. */
async function fiveMinutesLater(store: Store): Promise<void> {
  const now = () => Date.now() + UNCERTAIN_WAIT_MS.transactional;
  const relay = createRelay({
    shares: noShares,
    ...{ store, worker: "later", pollMs: 1_000, clock: { ...systemClock, now }, random: Math.random },
    ...{
      uncertainWaitMs: UNCERTAIN_WAIT_MS,
      inDoubtRepeats: IN_DOUBT_REPEATS,
      confirmationOf: () => ({ statusQueryTellsMs: undefined, sendsReceipts: true }),
      statusQueryFirstMs: () => undefined,
      watchdogFirstMs: WATCHDOG_FIRST_MS,
      failpoint: () => {},
      recorder: ignoreEvents,
    },
    queue: { waitingSince: async () => undefined },
    publisher: { publish: () => Promise.reject(new Error("nothing is left to send")) },
    log: createLogger("relay", "error"),
    metrics: createRelayMetrics(createMetrics("relay", { defaults: false })),
  });
  await relay.iterate();
}
