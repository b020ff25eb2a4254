import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { startNats } from "../../test/support/servers.ts";
import { provision, provisionVariables } from "./provision.ts";

const log = createLogger("test", "silent");

test("creates the store's tables and the streams, and finds them unchanged", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-provision-"));
  await using nats = await startNats();
  try {
    const config = readConfig(provisionVariables, { STORE_URL: `sqlite:${join(directory, "store.sqlite")}`, NATS_URL: nats.url });
    const kinds = async () =>
      (await Array.fromAsync(provision(config, log))).map((p) => {
        assert.ok(p.kind === "ready", JSON.stringify(p));
        assert.ok(p.changes.length > 0);
        return [p.part, ...new Set(p.changes.map((c) => c.kind))];
      });
    assert.deepEqual(await kinds(), [
      ["store", "created"],
      ["streams", "created"],
    ]);
    assert.deepEqual(await kinds(), [
      ["store", "unchanged"],
      ["streams", "unchanged"],
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("reports a server that cannot be reached, and still provisions the other", async () => {
  const config = readConfig(provisionVariables, { STORE_URL: "sqlite::memory:", NATS_URL: "nats://127.0.0.1:9" });
  const [store, streams] = await Array.fromAsync(provision(config, log));
  assert.equal(store?.kind, "ready");
  assert.ok(streams?.kind === "failed");
  assert.match(String(streams.error), /127\.0\.0\.1:9/);
});
