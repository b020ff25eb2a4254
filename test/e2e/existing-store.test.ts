import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { runCli } from "./cli-process.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-existing-"));
after(() => rmSync(directory, { recursive: true, force: true }));

test("commands that read a store make none, and say where they looked", async () => {
  const file = join(directory, "typo.sqlite");
  for (const command of [["audit"], ["dead", "list"], ["dead", "poison"], ["dead", "redrive", "--all", "--dry-run"]]) {
    const { code, stderr } = await runCli(command, { STORE_URL: `sqlite:${file}` });
    assert.equal(code, 1, command.join(" "));
    assert.match(stderr, /^carillon: there is no SQLite store at .*typo\.sqlite; see that STORE_URL names/, command.join(" "));
    assert.equal(existsSync(file), false, command.join(" "));
  }
});

test("an audit of an empty store says that it is empty", async () => {
  const url = `sqlite:${join(directory, "empty.sqlite")}`;
  await (await openStore(url))[Symbol.asyncDispose]();
  const { code, stderr } = await runCli(["audit"], { STORE_URL: url });
  assert.deepEqual([code, stderr], [0, "carillon: the store is empty: there is nothing to check\n"]);
});
