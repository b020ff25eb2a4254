import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { insertDeadLetter } from "../../test/support/dead-letter-samples.ts";
import { ranBy } from "../../test/support/printed-by.ts";
import { DEAD_COMMANDS } from "./command.ts";

const redrive = DEAD_COMMANDS["dead redrive"]!;

test("Ctrl-C ends a redrive after its step, and the command that is printed does the rest", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-redrive-"));
  using stack = new DisposableStack();
  stack.defer(() => rmSync(directory, { recursive: true }));
  const url = `sqlite:${join(directory, "store.db")}`;
  await using store = await openStore(url);
  const expiresAt = Date.now() + 3_600_000;
  for (let i = 0; i < 3; i++)
    await insertDeadLetter(store, `${i}`, [{ kind: "rejected", reason: "content" }], { endedAt: 1 + i, expiresAt });
  const listeners = process.listenerCount("SIGINT");
  const running = ranBy(redrive, { STORE_URL: url }, "--channel", "sms", "--rate", "5", "--by", "ada", "--why", "mended");
  process.emit("SIGINT");
  const { status, text } = await running;
  assert.equal(status, 130);
  assert.match(text, /^0 redriven\nstopped; what was redriven stays so\. This goes on:\n/);
  const [, args = ""] = /carillon dead redrive (.*)\n/.exec(text) ?? [];
  assert.match(args, /^--channel sms --until 20\d\d-\S+ --rate 5 --by NAME --why TEXT$/);
  assert.deepEqual(await ranBy(redrive, { STORE_URL: url }, ...args.split(" ")), { status: 0, text: "3 redriven\n" });
  assert.equal(process.listenerCount("SIGINT"), listeners);
});
