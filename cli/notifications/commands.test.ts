// As an operator: the store is named by STORE_URL, the app by --app. The gateway's way has the same handlers (test/e2e).
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { loggedActions } from "../../test/support/logged-actions.ts";
import { sampleApp, sampleAttempt, sampleNotification } from "../../test/support/store/samples.ts";
import { UsageError } from "../command.ts";
import { readArguments } from "../read-arguments.ts";
import { CANCEL_COMMANDS } from "./cancel.ts";
import { FIND_COMMANDS } from "./find.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-notification-commands-"));
after(() => rmSync(directory, { recursive: true }));
const env = { STORE_URL: `sqlite:${join(directory, "store.db")}` };
const NOW = Date.now();

/** Exit status and what was printed. */
async function run(line: string, t: { mock: { method: typeof import("node:test").mock.method } }) {
  const [name = "", ...args] = line.split(" ");
  const command = { ...FIND_COMMANDS, ...CANCEL_COMMANDS }[name]!;
  let printed = "";
  const write = t.mock.method(process.stdout, "write", (text: string) => {
    printed += text;
    return true;
  });
  try {
    return { status: await command.run({ ...readArguments(command, args), env }), printed };
  } finally {
    write.mock.restore();
  }
}

const of = (userId: string, acceptedAt: number, over = {}) => {
  const record = sampleNotification([NOW], {
    recipient: { kind: "user", userId },
    acceptedAt,
    sendAt: acceptedAt,
    expiresAt: NOW + 60_000,
    ...over,
  });
  record.deliveries[0]!.reason = { code: "unavailable", detail: "http-503" };
  return record;
};
const records = [
  of("ada@example.com", NOW - 1_000, { cancelKey: "visit" }),
  of("bob", NOW - 2_000, { tags: { order: "1" } }),
  of("bob", NOW - 9e6),
  of("eve", NOW - 9e6 - 1),
];
records[3]!.deliveries[0]!.reason = { code: "paused", detail: "class:marketing" };

test("an operator finds what is being retried and cancels it, in the store", async (t) => {
  {
    await using store = await openStore(env.STORE_URL);
    await store.apps.change("shop", () => sampleApp());
    await store.notifications.insert(records);
    await store.attempts.claim([sampleAttempt({ deliveryId: `${records[1]!.id}-0` })]);
  }
  const found = await run("find --app shop --waiting retry --since 1h --json", t);
  const { notifications, nextPage } = JSON.parse(found.printed) as {
    notifications: { notificationId: string; user: string }[];
    nextPage?: string;
  };
  assert.deepEqual(
    notifications.map(({ notificationId, user }) => [notificationId, user]),
    [
      [records[0]!.id, "ad…"],
      [records[1]!.id, "bo…"],
    ],
  );
  assert.equal(nextPage, undefined);
  const paused = await run("find --app shop --waiting paused", t);
  assert.match(paused.printed, new RegExp(`${records[3]!.id}-0 .* paused +paused: class:marketing`));
  assert.equal(
    records.slice(0, 3).some(({ id }) => paused.printed.includes(id)),
    false,
  );
  const table = await run("find --app shop --channel sms --limit 2", t);
  assert.match(table.printed, /unavailable: http-503/);
  assert.equal(table.printed.includes("ada@example.com"), false);
  const [, page] = /more: --page (\S+)/.exec(table.printed) ?? [];
  assert.match((await run(`find --app shop --channel sms --limit 2 --page ${page}`, t)).printed, new RegExp(records[2]!.id));
  assert.match((await run("find --app shop --tag order=1 --endpoint sms:+49123450", t)).printed, /nothing was found/);
  assert.match((await run("find --app shop --tag order=1", t)).printed, new RegExp(records[1]!.id));

  const all = await run("cancel --app shop --user bob --why shop-closed --by ops", t);
  assert.equal(all.status, 1);
  assert.match(all.printed, new RegExp(`${records[1]!.id}-0  in-flight  pending\n`));
  assert.match(all.printed, /\n1 cancelled: not sent, and never will be\n1 in-flight: with a provider right now; not repeated\n$/);
  const one = await run(`cancel ${records[0]!.id} --app shop --by ops --why late --json`, t);
  assert.deepEqual(
    [one.status, JSON.parse(one.printed)],
    [0, { delivery: `${records[0]!.id}-0`, outcome: "cancelled", state: "cancelled" }],
  );
  assert.match((await run("cancel --app shop --cancel-key visit --by ops --why late", t)).printed, /nothing open was found/);
  await using store = await openStore(env.STORE_URL);
  assert.deepEqual((await store.notifications.find(records[2]!.id))?.deliveries[0]?.reason, {
    code: "cancelled",
    detail: "ops: shop-closed",
  });
  await assert.rejects(
    run(`cancel ${"0".repeat(32)} --app shop --by ops --why late`, t),
    (error) => error instanceof OperatorError && /NOT_FOUND/.test(error.message),
  );
  await assert.rejects(run("find --app bank", t), OperatorError);
  // An entry outlives an erasure, so it names neither the user nor a key.
  assert.deepEqual(await loggedActions(store), [
    ["ops", "cancel", `app:shop, ${"0".repeat(32)}`, "late", "failed: OperatorError"],
    ["ops", "cancel", "app:shop, by cancel-key", "late", "nothing open was found"],
    ["ops", "cancel", `app:shop, ${records[0]!.id}`, "late", "1 cancelled"],
    ["ops", "cancel", "app:shop, by user", "shop-closed", "1 cancelled, 1 in-flight"],
  ]);
});

test("a command line that says too little or too much is explained", async (t) => {
  for (const line of [
    "cancel --app shop",
    `cancel ${"0".repeat(32)} --app shop`,
    `cancel ${"0".repeat(32)} --user ada --app shop`,
    "cancel --key a --user ada --app shop",
    "cancel order-1 --app shop",
    "find --state open --app shop",
    "find --waiting long --app shop",
    "find --reason none --app shop",
    "find --endpoint ada@example.com --app shop",
    "find --since soon --app shop",
    "find --since 2026-02-30T00:00:00Z --app shop",
    "find --until 999999999d --app shop",
    "find ada --app shop",
  ])
    await assert.rejects(run(line, t), UsageError, line);
});
