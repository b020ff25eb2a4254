import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { parseApiKey } from "../../core/apps/api-key.ts";
import { sha256Hex } from "../../runtime/hash.ts";
import { runCli } from "./cli-process.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-apps-"));
after(() => rmSync(directory, { recursive: true }));

test("the life of a key: created, rotated, revoked, listed; it is printed once and alone, or written to a file of its owner", async () => {
  const env = { STORE_URL: `sqlite:${join(directory, "store.sqlite")}` };
  const run = (...args: string[]) => runCli(["app", ...args], env);
  const created = await run("create", "shop", "--channels", "sms,email");
  assert.equal(created.code, 0, created.stderr);
  const key = created.stdout.trim();
  const id = parseApiKey(key)?.id ?? "";
  assert.equal(created.stdout, `${key}\n`);
  assert.equal(created.stderr, `key ${id} of app shop: shown this once, does not expire\n`);

  const file = join(directory, "key");
  writeFileSync(file, "before", { mode: 0o644 });
  const rotated = await run("key", "rotate", "shop", "--overlap", "1h", "--out", file);
  assert.deepEqual([rotated.code, rotated.stdout], [0, ""], rotated.stderr);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const next = readFileSync(file, "utf8").trim();

  const revoked = await run("key", "revoke", "shop", id);
  assert.equal(revoked.code, 0, revoked.stderr);
  const shown = await run("show", "shop", "--json");
  const { keys } = JSON.parse(shown.stdout) as { keys: { id: string; state: string }[] };
  assert.deepEqual(
    keys.map((k) => [k.id, k.state]),
    [
      [id, "revoked"],
      [parseApiKey(next)?.id, "valid"],
    ],
  );
  for (const secret of [key, next, sha256Hex(key), sha256Hex(next)])
    for (const { stdout, stderr } of [revoked, shown]) assert.ok(!(stdout + stderr).includes(secret), "shown again");
  await using store = await openStore(env.STORE_URL);
  for (const given of [key, next]) assert.equal((await store.apps.findByKeyHash(sha256Hex(given)))?.id, "shop");

  const wrong = await run("shop");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /no subcommand "shop"; did you mean `carillon app show`\?\n\nusage: carillon app <command>[\s\S]*app create/);
  const unknown = await run("key", "add", "bank", "--out", file);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^[^\n]*there is no app bank[^\n]*\n$/);
  assert.equal(readFileSync(file, "utf8"), `${next}\n`, "a key that was not replaced stays in its file");
});
