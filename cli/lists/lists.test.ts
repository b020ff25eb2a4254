// The commands as processes, with a store of their own and a real Redis.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Redis } from "ioredis";
import { openStore } from "../../adapters/store/open-store.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { tombstoneSubject } from "../../core/preferences/tombstone.ts";
import { createApp } from "../../operations/apps/apps.ts";
import { runCli, startCli } from "../../test/e2e/cli-process.ts";
import { eventually } from "../../test/support/eventually.ts";
import { startRedis } from "../../test/support/servers.ts";
import { UsageError } from "../command.ts";
import { readArguments } from "../read-arguments.ts";
import { LIST_COMMANDS } from "./command.ts";

const directory = mkdtempSync(join(tmpdir(), "carillon-list-commands-"));
const stack = new AsyncDisposableStack();
let redisUrl: string;
before(async () => {
  const redis = stack.use(await startRedis());
  redisUrl = redis.url;
});
after(async () => {
  await stack.disposeAsync();
  rmSync(directory, { recursive: true, force: true });
});

/** A store with the app "shop". */
async function storeOf(name: string): Promise<Record<string, string>> {
  const STORE_URL = `sqlite:${join(directory, `${name}.sqlite`)}`;
  await using store = await openStore(STORE_URL);
  await createApp(store.apps, "shop", CHANNELS, { now: Date.now() });
  return { STORE_URL, REDIS_URL: redisUrl };
}
const path = (name: string) => join(directory, name);
const exported = async (list: string, env: Record<string, string>, format = "csv") => {
  const { code, stdout, stderr } = await runCli([list, "export", "--app", "shop", "--format", format], env);
  assert.equal(code, 0, stderr);
  return stdout;
};

test("an import that is killed goes on with --resume, and the store is as after one run", async () => {
  const [killed, whole] = [await storeOf("killed"), await storeOf("whole")];
  const rows = Array.from({ length: 2_000 }, (_, n) => (n % 100 === 7 ? `user-${n},Not a category` : `user-${n},c${n % 3}`));
  writeFileSync(path("people.csv"), ["user_id,category", ...rows].join("\n"));
  const args = ["opt-outs", "import", path("people.csv"), "--app", "shop"];
  {
    await using importing = startCli([...args, "--rate", "400"], killed);
    await eventually("a batch is done", async () => existsSync(path("people.csv.import.json")));
    importing.child.kill("SIGKILL");
    await importing.ended;
  }
  const again = await runCli(args, killed);
  assert.deepEqual([again.code, /interrupted after line \d+: --resume goes on/.test(again.stderr)], [1, true], again.stderr);
  const resumed = await runCli([...args, "--resume"], killed);
  assert.equal(resumed.code, 1, resumed.stderr);
  assert.match(
    resumed.stdout,
    /^went on after line \d+; .*\nstored \d+, found \d+ already stored, rejected 20, in .*\nrejected records: .*people\.csv\.rejected\.jsonl\n$/,
  );
  const report = readFileSync(path("people.csv.rejected.jsonl"), "utf8");
  assert.deepEqual(
    report
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { line: number }).line),
    rows.flatMap((row, n) => (row.includes("Not") ? [n + 2] : [])),
  );
  assert.match((await runCli(args, whole)).stdout, /^stored 1980, found 0 already stored, rejected 20/);
  assert.equal(readFileSync(path("people.csv.rejected.jsonl"), "utf8"), report);
  const sorted = (text: string) => text.split("\n").toSorted();
  assert.deepEqual(sorted(await exported("opt-outs", killed)), sorted(await exported("opt-outs", whole)));
});

test("an imported refusal is in Redis when the import ends", async () => {
  const env = await storeOf("redis");
  const redis = new Redis(redisUrl);
  const members = async () => {
    const keys = await redis.keys("carillon:opt-out:{*}");
    return (await Promise.all(keys.map((key) => redis.scard(key)))).reduce((sum, n) => sum + n, 0);
  };
  const before = await members();
  writeFileSync(path("one.jsonl"), '{"email_address":"Ada@Example.org","category":"news"}\n{"user_id":"ada"}\n');
  const { code, stdout } = await runCli(["opt-outs", "import", path("one.jsonl"), "--app", "shop"], env);
  assert.deepEqual([code, stdout.replace(/ in .*/s, "")], [0, "stored 2, found 0 already stored, rejected 0,"]);
  assert.equal((await members()) - before, 2);
  const { actions } = JSON.parse((await runCli(["audit-log", "--json"], env)).stdout) as { actions: Record<string, string>[] };
  assert.deepEqual(
    actions.map(({ action, target, result }) => [action, target, result]),
    [["opt-outs import", "app:shop", "stored 2, rejected 0"]],
  );
  redis.disconnect();
});

const CONTACTS = [
  "user_id,apns_token,apns_environment,application,email_address,phone_number,push_url,p256dh,auth,locale,device_label,registered_at,last_seen_at",
  `ada,${"ab".repeat(32)},development,com.example.shop,,,,,,pt-BR,"Ada's, iPad",2026-01-05T12:00:00.000Z,2026-02-05T12:00:00.000Z`,
  "ada,,,,Ada@Example.org,,,,,,,2026-01-05T12:00:00.000Z,",
  "bob,,,,ada@example.org,,,,,,,2026-01-05T12:00:00.000Z,",
];

test("contacts are exported and imported as they were, in both formats", async () => {
  const first = await storeOf("contacts");
  writeFileSync(path("contacts.csv"), CONTACTS.join("\n"));
  const imported = await runCli(["contacts", "import", path("contacts.csv"), "--app", "shop"], first);
  assert.equal(imported.code, 0, imported.stdout + imported.stderr);
  const csv = await exported("contacts", first);
  assert.equal(csv.trim().split("\n").length, 4);
  for (const format of ["csv", "jsonl"]) {
    const copy = await storeOf(`contacts-${format}`);
    const file = path(`copy.${format}`);
    assert.equal((await runCli(["contacts", "export", "--app", "shop", "--out", file], first)).code, 0);
    assert.match(
      (await runCli(["contacts", "import", file, "--app", "shop"], copy)).stdout,
      /^stored 3, found 0 already stored, rejected 0/,
    );
    assert.equal(await exported("contacts", copy), csv);
    assert.match(
      (await runCli(["contacts", "import", file, "--app", "shop"], copy)).stdout,
      /^stored 0, found 3 already stored, rejected 0/,
    );
  }
});

test("a list moves no device that was registered for another user since", async () => {
  const env = await storeOf("moved");
  const of = async (...rows: string[]) => {
    writeFileSync(path("moves.csv"), ["user_id,fcm_token,registered_at,push_url,phone_number", ...rows].join("\n"));
    return (await runCli(["contacts", "import", path("moves.csv"), "--app", "shop"], env)).stdout.replace(/, in .*/s, "");
  };
  const token = "t".repeat(40);
  assert.equal(await of(`bob,${token},2026-03-01,,`), "stored 1, found 0 already stored, rejected 0");
  assert.equal(
    await of(`ada,${token},2026-02-01,,`, `ada,${token},,,`, `bob,${token},2026-02-01,,`),
    "stored 0, found 1 already stored, rejected 2",
  );
  assert.equal(await of(`ada,${token},2026-04-01,,`), "stored 1, found 0 already stored, rejected 0");
  assert.match(await exported("contacts", env), /ada/);
  assert.equal(await of("ada,,,https://evil.example/x,", "ada,,2999-01-01,,+4917012345"), "stored 0, found 0 already stored, rejected 2");
});

test("where users were erased, what could bring them back needs the key of erasure", async () => {
  const env = await storeOf("erased");
  {
    await using store = await openStore(env.STORE_URL!);
    const change = { optOut: [{ channel: "*", category: "*" } as const], origin: {} };
    await store.preferences.update("shop", tombstoneSubject("ab".repeat(32)), change, Date.now());
  }
  writeFileSync(path("erased.csv"), "user_id,email_address\nada,\n");
  writeFileSync(path("erased-contacts.csv"), CONTACTS.join("\n"));
  writeFileSync(path("erasure-key"), "k".repeat(32));
  for (const [list, file] of [
    ["opt-outs", "erased.csv"],
    ["contacts", "erased-contacts.csv"],
  ] as const) {
    const args = [list, "import", path(file), "--app", "shop"];
    const { code, stderr } = await runCli(args, env);
    assert.deepEqual([code, /ERASURE_KEY_FILE: must be set/.test(stderr)], [1, true], stderr);
    const withKey = await runCli(args, { ...env, ERASURE_KEY_FILE: path("erasure-key") });
    assert.equal(withKey.code, 0, withKey.stderr);
  }
});

const MISTAKES: readonly [args: readonly string[], says: RegExp][] = [
  [["opt-outs", "import"], /takes one FILE/],
  [["opt-outs", "import", "x.csv"], /--app is missing/],
  [["opt-outs", "import", "x.csv", "--app", "No App"], /--app must be/],
  [["opt-outs", "import", "x.txt", "--app", "shop"], /--format must be one of csv, jsonl/],
  [["contacts", "import", "x.csv", "--app", "shop", "--dry-run", "--resume"], /exclude each other/],
  [["suppressions", "export"], /--app is missing/],
];
for (const [[list, verb, ...args], says] of MISTAKES)
  test(`a mistake names the option: ${list} ${verb} ${args.join(" ")}`, async () => {
    const command = LIST_COMMANDS[`${list} ${verb}`]!;
    const given = readArguments(command, args);
    await assert.rejects(command.run({ ...given, env: {} }), (error) => error instanceof UsageError && says.test(error.message));
  });

test("an app that is not there is named", async () => {
  const { code, stderr } = await runCli(["suppressions", "export", "--app", "none"], await storeOf("none"));
  assert.deepEqual([code, /there is no app none/.test(stderr)], [1, true]);
});
