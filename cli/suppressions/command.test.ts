import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Block } from "../../core/preferences/block.ts";
import { endpointSubject } from "../../core/preferences/opt-out.ts";
import { createApp } from "../../operations/apps/apps.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { loggedActions } from "../../test/support/logged-actions.ts";
import { printedBy } from "../../test/support/printed-by.ts";
import { UsageError } from "../command.ts";
import { PREFERENCE_COMMANDS } from "../preferences/command.ts";
import { SUPPRESSION_COMMANDS } from "./command.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-suppression-command-"));
const env = { STORE_URL: `sqlite:${join(directory, "store.db")}` };
const phone = "+491701234567";
const subject = endpointSubject(endpointId({ channel: "sms", phoneNumber: phone }));
const stop: Block = { kind: "stop", pool: "deals", reason: "STOP", source: "twilio", at: 0 };
after(() => rmSync(directory, { recursive: true }));
before(async () => {
  await using store = await openStore(env.STORE_URL);
  await createApp(store.apps, "shop", ["sms"], { now: 1 });
  await store.preferences.update("shop", subject, { block: [stop], origin: {} }, 6);
});

const lift = (...args: string[]) => printedBy(SUPPRESSION_COMMANDS["suppressions lift"]!, env, ...args);

test("what blocks an endpoint is shown, and lifted with who did it and why, which the history keeps", async () => {
  const of = (...more: string[]) => lift("--app", "shop", "--phone", phone, ...more);
  assert.match(await of(), /stop +deals/);
  await assert.rejects(of("--by", "ann", "--why", "asked", "--kind", "bounce"), OperatorError);
  assert.match(await of("--why", "asked on the phone", "--by", "ann"), /stop +deals/);
  assert.match(
    await printedBy(PREFERENCE_COMMANDS["preferences history"]!, env, "--app", "shop", "--phone", phone, "--limit", "1"),
    /^version 2, .*: ann by operator \(asked on the phone\)\n {2}- blocked/,
  );
  await assert.rejects(of("--by", "ann", "--why", "again"), OperatorError);
  assert.match(await of(), /Nothing blocks it/);
  await using store = await openStore(env.STORE_URL);
  assert.deepEqual(await loggedActions(store), [
    ["ann", "suppressions lift", "app:shop, one endpoint", "again", "failed: OperatorError"],
    ["ann", "suppressions lift", "app:shop, one endpoint", "asked on the phone", "lifted: stop"],
    ["ann", "suppressions lift", "app:shop, one endpoint", "asked", "failed: OperatorError"],
  ]);
});

const WRONG: readonly (readonly [args: string[], words: RegExp])[] = [
  [["--app", "shop", "--why", "x"], /give one of --phone/],
  [["--app", "shop", "--email", "ada@exa mple.com"], /--email must have a domain after the @/],
  [["--app", "shop", "--phone", phone, "--email", "a@example.com"], /give one of --phone/],
  [["--app", "shop", "--phone", phone, "--why", "x", "--kind", "spam"], /--kind must be one of stop/],
  [["--app", "shop", "--phone", phone, "--why", " "], /--by is missing/],
  [["--app", "shop", "--phone", phone, "--by", "ann"], /--why is missing/],
  [["--app", "shop", phone], /"\+491701234567" is one argument too many/],
];
for (const [args, words] of WRONG)
  test(`${args.join(" ")}: ${words.source}`, () =>
    assert.rejects(lift(...args), (error: unknown) => error instanceof UsageError && words.test(error.message)));
