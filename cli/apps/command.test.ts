import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseArgs } from "node:util";
import { openStore } from "../../adapters/store/open-store.ts";
import type { AppLimits } from "../../core/apps/limits.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { createApp } from "../../operations/apps/apps.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { printedBy } from "../../test/support/printed-by.ts";
import { UsageError } from "../command.ts";
import { readArguments } from "../read-arguments.ts";
import { APP_COMMANDS } from "./command.ts";
import { LIMIT_OPTIONS, readLimits } from "./limit-options.ts";
import { appJson, limitsText } from "./report.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-app-command-"));
after(() => rmSync(directory, { recursive: true }));

const WEBHOOK_KEYS_FILE = join(directory, "webhook-keys");
writeFileSync(WEBHOOK_KEYS_FILE, "a key of thirty-two characters, w");

const limitsOf = (args: string[]) => readLimits(parseArgs({ args, options: LIMIT_OPTIONS }).values);

test("limits are shown as they are set", () => {
  const given = [
    ...["--rate", "2.5", "--burst", "100", "--classes", "critical,marketing", "--open-max", "1000", "--scheduled-max", "0"],
    ...["--daily-max", "sms/marketing=500", "--daily-max", "email/critical=9", "--sms-prefixes", "+49,+1"],
    ...["--sms-senders", "orders,otp", "--email-from", "orders@shop.example,@news.example", "--overrides", "fcm,apns", "--weight", "3"],
  ];
  const limits: AppLimits = {
    ...{ ratePerSecond: 2.5, burst: 100, classes: ["critical", "marketing"], openMax: 1_000, scheduledMax: 0, weight: 3 },
    ...{ dailyMax: { sms: { marketing: 500 }, email: { critical: 9 } }, smsPrefixes: ["+49", "+1"], smsSenders: ["orders", "otp"] },
    ...{ emailFrom: ["orders@shop.example", "@news.example"], overrides: ["fcm", "apns"] },
  };
  assert.deepEqual(limitsOf(given), limits);
  assert.deepEqual(limitsText(limits).split(/\s/), given);
  assert.deepEqual(limitsOf(limitsText({ smsPrefixes: [] }).split(" ")), { smsPrefixes: [] });
});

test("default takes a limit away, of one channel and class too", () => {
  for (const [option, limit] of [
    ["rate", "ratePerSecond"],
    ["classes", "classes"],
    ["sms-prefixes", "smsPrefixes"],
    ["daily-max", "dailyMax"],
  ])
    assert.deepEqual(limitsOf([`--${option}`, "default"]), { [limit!]: undefined });
  assert.deepEqual(limitsOf(["--daily-max", "sms/marketing=default"]), { dailyMax: { sms: { marketing: undefined } } });
});

test("a key's hash is not shown", () => {
  const app = {
    id: "shop",
    channels: [...CHANNELS],
    limits: {},
    keys: [{ id: "a", hash: "secret", createdAt: 0, expiresAt: 5 }],
    version: 1,
  };
  const shown = appJson(app, 5);
  assert.deepEqual(shown.keys, [
    { id: "a", state: "expired", createdAt: "1970-01-01T00:00:00.000Z", expiresAt: "1970-01-01T00:00:00.005Z" },
  ]);
  assert.doesNotMatch(JSON.stringify(shown), /secret/);
});

/** [command, arguments, whether the command line is wrong (or the store says no), sentence]. */
const MISTAKES: [string, string[], boolean, RegExp][] = [
  ["app create", [], true, /ID is missing/],
  ["app create", ["Shop"], true, /ID must be 1 to 63 of a-z/],
  ["app create", ["a", "b"], true, /"b" is one argument too many/],
  ["app create", ["a", "--channels", "fax"], true, /--channels may contain/],
  ["app create", ["a", "--expires-in", "soon"], true, /--expires-in must be like/],
  ["app create", ["a", "--expires-in", "0s"], true, /--expires-in must be above 0$/],
  [
    "app key rotate",
    ["shop", "--overlap", "999999999d"],
    true,
    /--overlap must be at most 3650d: a key and a secret live ten years at most$/,
  ],
  ["app create", ["shop"], false, /app shop exists; `carillon app key add shop`/],
  ["app create", ["c", "--out", join(directory, "none", "key")], false, /cannot write .*ENOENT/],
  ["app channels", ["shop"], true, /--channels is missing/],
  ["app list", ["shop"], true, /"shop" is one argument too many/],
  ["app show", ["bank"], false, /there is no app bank/],
  ["app key add", ["bank"], false, /there is no app bank/],
  ["app key rotate", ["shop", "--overlap", "soon"], true, /--overlap must be like/],
  ["app key rotate", ["shop", "--key", "zzzzzzzz"], false, /app shop has no key zzzzzzzz/],
  ["app key revoke", ["shop"], true, /the ids of the keys are missing/],
  ["app key revoke", ["shop", "zzzzzzzz"], false, /app shop has no key zzzzzzzz/],
  ["app limits set", ["shop"], true, /name at least one limit/],
  ["app limits set", ["shop", "--rate", "fast"], true, /--rate must be a number or "default"/],
  ["app limits set", ["shop", "--rate", "0"], true, /ratePerSecond: must be a number above 0/],
  ["app limits set", ["shop", "--burst", "0"], true, /burst: must be an integer from 1/],
  ["app limits set", ["shop", "--classes", "urgent"], true, /--classes may contain/],
  ["app limits set", ["shop", "--content-days", "urgent=1"], true, /--content-days must be like marketing=7/],
  ["app limits set", ["shop", "--metadata-days", "critical=34"], true, /metadataDays: must be days from 35 to 3650/],
  ["app limits set", ["shop", "--content-days", "default", "--content-days", "critical=1"], true, /--content-days default stands alone/],
  ["app limits set", ["shop", "--daily-max", "fax/critical=1"], true, /--daily-max must be like sms\/marketing=1000/],
  ["app limits set", ["shop", "--daily-max", "sms/critical=-1"], true, /--daily-max must be like/],
  ["app limits set", ["shop", "--daily-max", "default", "--daily-max", "sms/critical=1"], true, /--daily-max default stands alone/],
  ["app limits set", ["shop", "--daily-max", "sms/critical=999999999999"], false, /dailyMax: must be integers/],
  ["app limits set", ["shop", "--sms-prefixes", "49"], true, /smsPrefixes: must be/],
  ["app accounts set", ["shop"], true, /name at least one account/],
  ["app accounts set", ["shop", "twilio"], true, /accounts must be like sms=acme-eu/],
  ["app accounts set", ["shop", "sms=a", "sms=b"], true, /sms is named twice/],
  ["app accounts set", ["shop", "fax=acme"], false, /fax: is no provider or channel; there are apns, fcm, webpush, sms, twilio, vonage/],
  ["app accounts set", ["shop", "sms=Acme"], false, /sms: the account's name must be 1 to 63 of a-z, 0-9 and -/],
  ["app accounts set", ["shop", "sms="], false, /sms: the app has no account of its own there/],
  ["app accounts set", ["bank", "sms=acme"], false, /there is no app bank/],
  ["app limits set", ["shop", "--sms-senders", "Shop Ltd"], true, /smsSenders: must be/],
  ["app limits set", ["shop", "--email-from", "shop.example"], true, /emailFrom: must be at most 100 addresses, or domains/],
  ["app limits set", ["shop", "--overrides", "smtp"], true, /--overrides may contain apns, fcm/],
  ["app brand set", ["shop"], true, /name at least one of --name, --color, --logo/],
  ["app brand set", ["shop", "--name", "Juniper"], true, /--name must be like en=/],
  ["app brand set", ["shop", "--name", "e n=Juniper"], false, /name e n must begin with a language/],
  ["app brand set", ["shop", "--name", `en=${"x".repeat(61)}`], false, /the name in en must have at most 60 characters/],
  ["app brand set", ["shop", "--color", "green"], true, /--color must be like #1f5c4a/],
  ["app brand set", ["shop", "--mark", "#1f5c4a"], true, /--color is missing/],
  ["app brand set", ["shop", "--color", "#777777", "--text-color", "#ffffff"], false, /text-color on color has a contrast of 4\.47:1/],
  ["app brand set", ["shop", "--logo", join(directory, "none.svg")], true, /--logo cannot be read \(ENOENT\)/],
  ["app brand set", ["shop", "--logo", import.meta.filename], false, /the logo (must be a PNG, or an SVG|has \d+ bytes)/],
  ["app brand set", ["bank", "--name", "en=Bank"], false, /there is no app bank/],
  ["app brand show", ["bank"], false, /there is no app bank/],
  ["app brand clear", ["bank"], false, /there is no app bank/],
  ["app webhook set", ["shop", "crm"], true, /takes ID, NAME and URL/],
  ["app webhook set", ["shop", "CRM", "https://a.example"], false, /NAME must be 1 to 32 of a-z/],
  ["app webhook set", ["shop", "crm", "http://a.example"], false, /URL must begin with https:.*; what is given has 16 characters/],
  ["app webhook set", ["bank", "crm", "https://a.example"], false, /there is no app bank/],
  ["app webhook list", ["bank"], false, /there is no app bank/],
  ["app webhook rotate", ["shop"], true, /takes ID and NAME/],
  ["app webhook rotate", ["shop", "crm", "--overlap", "soon"], true, /--overlap must be like/],
  ["app webhook rotate", ["shop", "crm"], false, /app shop has no webhook endpoint crm; `carillon app webhook list shop`/],
  ["app webhook remove", ["shop", "crm"], false, /app shop has no webhook endpoint crm/],
];

test("a brand is set part by part, and taken away", async () => {
  const env = { STORE_URL: `sqlite:${join(directory, "brand.sqlite")}` };
  await using store = await openStore(env.STORE_URL);
  await createApp(store.apps, "shop", CHANNELS, { now: 1 });
  const run = (name: string, args: string[]) => {
    const command = APP_COMMANDS[name]!;
    return command.run({ ...readArguments(command, args), env });
  };
  await run("app brand set", ["shop", "--name", "en=Juniper Books", "--name", "ko=주니퍼 서점"]);
  await run("app brand set", ["shop", "--color", "#1F5C4A", "--mark-dark", "#5fb497", "--name", "ko="]);
  const colors = { background: "#1f5c4a", text: "#ffffff", mark: "#1f5c4a", markDark: "#5fb497" };
  assert.deepEqual((await store.apps.find("shop"))?.brand, { names: { en: "Juniper Books" }, colors });
  await run("app brand clear", ["shop"]);
  assert.equal((await store.apps.find("shop"))?.brand, undefined);
});

test("a webhook endpoint gets its secret once, keeps it with another URL, and gets another beside it", async () => {
  const env = { STORE_URL: `sqlite:${join(directory, "webhooks.sqlite")}`, WEBHOOK_KEYS_FILE };
  await using store = await openStore(env.STORE_URL);
  await createApp(store.apps, "shop", CHANNELS, { now: 1 });
  const out = join(directory, "secret");
  const run = async (name: string, args: string[], over = {}) => {
    const command = APP_COMMANDS[name]!;
    return command.run({ ...readArguments(command, args), env: { ...env, ...over } });
  };
  const endpoint = async () => (await store.webhooks.find("shop"))[0];
  await assert.rejects(
    run("app webhook set", ["shop", "crm", "https://a.example"], { WEBHOOK_KEYS_FILE: "" }),
    /WEBHOOK_KEYS_FILE: must be set/,
  );
  await run("app webhook set", ["shop", "crm", "https://a.example/", "--out", out]);
  const secret = readFileSync(out, "utf8").trim();
  assert.match(secret, /^whsec_/);
  assert.ok(!JSON.stringify(await endpoint()).includes(secret.slice("whsec_".length)), "the store has it sealed");
  const { secrets } = (await endpoint())!;
  await run("app webhook set", ["shop", "crm", "https://b.example/"]);
  assert.deepEqual(await endpoint(), { name: "crm", url: "https://b.example/", secrets });
  await run("app webhook rotate", ["shop", "crm", "--overlap", "1h", "--out", out]);
  assert.notEqual(readFileSync(out, "utf8").trim(), secret);
  assert.deepEqual(
    (await endpoint())?.secrets.map(({ until }) => until === undefined),
    [true, false],
  );
  await run("app webhook remove", ["shop", "crm"]);
  assert.equal(await endpoint(), undefined);
  for (const name of ["a", "b", "c", "d", "e"]) await run("app webhook set", ["shop", name, "https://a.example", "--out", out]);
  await assert.rejects(run("app webhook set", ["shop", "f", "https://a.example"]), /has 5 webhook endpoints, which is the most/);
});

test("a mistake is said in one sentence, and nothing is changed", async () => {
  const env = { STORE_URL: `sqlite:${join(directory, "mistakes.sqlite")}`, WEBHOOK_KEYS_FILE };
  await using store = await openStore(env.STORE_URL);
  const { app } = await createApp(store.apps, "shop", CHANNELS, { now: 1 });
  for (const [name, args, isUsage, sentence] of MISTAKES) {
    const command = APP_COMMANDS[name]!;
    const run = async () => command.run({ ...readArguments(command, args), env });
    await assert.rejects(run, (error: Error) => {
      assert.match(error.message, sentence, name);
      assert.equal(error.constructor, isUsage ? UsageError : OperatorError, `${name}: ${error.message}`);
      return true;
    });
  }
  assert.deepEqual(await Array.fromAsync(store.apps.list()), [app]);
});

test("only the first app makes a store: where STORE_URL names none, the other commands say so and make none", async () => {
  const path = join(directory, "typo.sqlite");
  const run = async (name: string, args: string[]) => {
    const command = APP_COMMANDS[name]!;
    return command.run({ ...readArguments(command, args), env: { STORE_URL: `sqlite:${path}` } });
  };
  for (const [name, args] of [
    ["app list", []],
    ["app show", ["shop"]],
    ["app key add", ["shop"]],
    ["app limits set", ["shop", "--rate", "1"]],
  ] as const)
    await assert.rejects(run(name, [...args]), /typo\.sqlite/, name);
  assert.equal(existsSync(path), false);
});

test("what is done to apps and their keys is in the log of operators' actions, with who and why and without secrets", async () => {
  const env = { STORE_URL: `sqlite:${join(directory, "logged.db")}`, WEBHOOK_KEYS_FILE };
  const run = (name: string, ...args: string[]) => printedBy(APP_COMMANDS[name]!, env, ...args);
  const order = ["--by", "ann", "--why", "ticket 7"];
  const key = (await run("app create", "shop", "--channels", "sms", ...order)).trim();
  const rotated = (await run("app key rotate", "shop", ...order)).trim();
  const secret = (await run("app webhook set", "shop", "crm", "https://crm.example/?token=t0ken", ...order)).trim();
  await run("app limits set", "shop", "--rate", "5");
  await using store = await openStore(env.STORE_URL);
  const [first, second] = (await store.apps.find("shop"))!.keys.map(({ id }) => id);
  await run("app key revoke", "shop", first!, ...order);
  const actions = await store.steering.actions(undefined, 9);
  assert.deepEqual(actions.map(({ actor, action, target, reason, result }) => [actor, action, target, reason, result]).reverse(), [
    ["ann", "app create", "app:shop", "ticket 7", `key ${first}`],
    ["ann", "app key rotate", "app:shop", "ticket 7", `key ${second}`],
    ["ann", "app webhook set", "app:shop, webhook crm", "ticket 7", "set"],
    [userInfo().username, "app limits set", "app:shop", "not given", "set ratePerSecond"],
    ["ann", "app key revoke", "app:shop", "ticket 7", `revoked ${first}`],
  ]);
  for (const hidden of [key, rotated, secret, "t0ken"]) assert.equal(JSON.stringify(actions).includes(hidden), false);
});
