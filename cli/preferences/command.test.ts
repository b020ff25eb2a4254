import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Block } from "../../core/preferences/block.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { createApp } from "../../operations/apps/apps.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { changing } from "../../test/support/changing.ts";
import { printedBy } from "../../test/support/printed-by.ts";
import { UsageError } from "../command.ts";
import { PREFERENCE_COMMANDS } from "./command.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-preference-command-"));
const url = `sqlite:${join(directory, "store.db")}`;
const phone = "+491701234567";
const subject = endpointSubject(endpointId({ channel: "sms", phoneNumber: phone }));
const stop: Block = { kind: "stop", pool: "deals", reason: "STOP", source: "twilio", at: 0 };
after(() => rmSync(directory, { recursive: true }));
before(async () => {
  await using store = await openStore(url);
  await createApp(store.apps, "shop", ["sms"], { now: 1 });
  await store.preferences.update("shop", userSubject("ada"), changing([{ channel: "*", category: "news", until: 86_400_000 }]), 5);
  await store.preferences.update("shop", subject, { block: [stop], origin: { source: "inbound-sms", evidence: "Stop!" } }, 6);
});

const run = (name: string, ...args: string[]) => printedBy(PREFERENCE_COMMANDS[name]!, { STORE_URL: url }, ...args);
const file = (json: unknown) => {
  const path = join(directory, "categories.json");
  writeFileSync(path, typeof json === "string" ? json : JSON.stringify(json));
  return path;
};

test("categories are put from a file, listed, also as put takes them, and deleted", async () => {
  const given = [
    { name: "orders", default: "CATEGORY_DEFAULT_REQUIRED", labels: { en: { title: "Orders" } } },
    {
      name: "news",
      notificationClass: "NOTIFICATION_CLASS_MARKETING",
      default: "CATEGORY_DEFAULT_OPTED_OUT",
      channelsOff: ["CHANNEL_SMS"],
    },
  ];
  assert.match(
    await run("category put", file(given), "--app", "shop"),
    /news +opted-out +marketing +sms +shown +-\n +orders +required +- .*en: Orders/,
  );
  const listed = JSON.parse(await run("category list", "--app", "shop", "--json"));
  assert.deepEqual(listed, given.toReversed());
  await run("category put", file(listed), "--app", "shop");
  assert.match(await run("category delete", "orders", "--app", "shop"), /^ +category.*\n.*\n +news/);
  await assert.rejects(run("category delete", "orders", "--app", "shop"), OperatorError);
});

test("what somebody chose is shown, with its history", async () => {
  assert.match(
    await run("preferences show", "--app", "shop", "--user", "ada"),
    /^version 1, .*\n {2}no +every channel, news, until 1970-01-02T/,
  );
  assert.equal(await run("preferences show", "--app", "shop", "--user", "bob"), "no preferences\n");
  const history = await run("preferences history", "--app", "shop", "--phone", phone);
  assert.match(
    history,
    /^version 1, 1970.*: the app by inbound-sms \(Stop!\)\n {2}\+ blocked +stop of the sender deals since 1970-01-01T00:00:00.000Z by twilio \(STOP\)\n$/,
  );
});

const WRONG: readonly (readonly [command: string, args: string[], words: RegExp])[] = [
  ["category put", ["--app", "shop"], /FILE is missing/],
  ["category put", [join(directory, "none"), "--app", "shop"], /cannot be read \(ENOENT\)/],
  ["category list", [], /--app is missing/],
  ["category list", ["--app", "Shop"], /--app must be/],
  ["preferences show", ["--app", "shop"], /give one of --user/],
  ["preferences show", ["--app", "shop", "--user", "a", "--phone", phone], /give one of --user/],
  ["preferences show", ["--app", "shop", "--phone", "0170"], /--phone must be like/],
  ["preferences show", ["--app", "shop", "--endpoint", "x"], /--endpoint must be the 32 hex digits/],
];
for (const [command, args, words] of WRONG)
  test(`${command} ${args.join(" ").replace(directory, "")}: ${words.source}`, () =>
    assert.rejects(run(command, ...args), (error: unknown) => error instanceof UsageError && words.test(error.message)));

test("a file that is no category says where", async () => {
  const rejects = (json: unknown, words: RegExp) =>
    assert.rejects(
      run("category put", file(json), "--app", "shop"),
      (error: unknown) => error instanceof Error && words.test(error.message),
    );
  await rejects("{", /is not JSON/);
  await rejects([{ name: "a" }, { name: "B" }], /\[1\]\.name: must be 1 to 64 of a-z/);
  await rejects({ name: "a", colour: "red" }, /colour: is not a field/);
  await rejects(
    { name: "a", notificationClass: "NOTIFICATION_CLASS_MARKETING", quietHours: "QUIET_HOURS_RULE_SEND" },
    /a\.quiet_hours: must not be SEND for marketing/,
  );
});
