import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { withoutExports, writeExports } from "./exports.ts";

const addresses = { CARILLON_ADDRESS: "127.0.0.1:7700", CARILLON_API_KEY_FILE: "/a key", CARILLON_HEALTH: "relay=127.0.0.1:1" };

test("what `up` chose is no order for the next one in the same terminal; what it was told is, and so is what is told it now", () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-exports-"));
  try {
    const path = join(directory, "env");
    const given = { STORE_URL: "mongodb://127.0.0.1/bells", LOG_LEVEL: "warn" };
    assert.deepEqual(withoutExports(path, given), given, "there is no file yet");
    const env = { ...given, NATS_URL: "nats://127.0.0.1:4", REDIS_URL: "redis://127.0.0.1:5", SENDGRID_API_KEY_FILE: "key" };
    writeExports(path, addresses, { env, given });
    const lines = readFileSync(path, "utf8").matchAll(/^export (\w+)='?(.*?)'?$/gm);
    const terminal = Object.fromEntries([...lines].map(([, name, value]) => [name!, value!]));
    assert.deepEqual(terminal, {
      ...{ ...addresses, STORE_URL: given.STORE_URL, NATS_URL: env.NATS_URL, REDIS_URL: env.REDIS_URL },
      SENDGRID_API_KEY_FILE: join(process.cwd(), "key"),
    });
    assert.deepEqual(withoutExports(path, { HOME: "/home", ...terminal }), { HOME: "/home", STORE_URL: given.STORE_URL });
    assert.deepEqual(withoutExports(path, { ...terminal, NATS_URL: "nats://10.0.0.1" }), {
      ...{ STORE_URL: given.STORE_URL, NATS_URL: "nats://10.0.0.1" },
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
