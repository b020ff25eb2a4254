import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { StoreError } from "../../adapters/store/store-error.ts";
import type { Store } from "../../core/ports/store.ts";
import type { Block } from "../../core/preferences/block.ts";
import { endpointSubject, type PreferenceRecord, userSubject } from "../../core/preferences/opt-out.ts";
import { tombstoneSubject } from "../../core/preferences/tombstone.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { createFakeClock, type FakeClock } from "../../test/support/fake-clock.ts";
import { linesText, type PreferenceTarget } from "./apply-to-subjects.ts";
import { type ImportOptions, importList, type ListKind } from "./import-list.ts";
import { OPT_OUT_COLUMNS, optOutList, optOutRows } from "./opt-out-list.ts";
import { SUPPRESSION_COLUMNS, suppressionList, suppressionRows } from "./suppression-list.ts";
import { writeList } from "./write-list.ts";

const APP = "shop";
const UNTIL = "2100-01-01T00:00:00.000Z";
let directory: string;
let store: Store;
let clock: FakeClock;
let target: PreferenceTarget;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "carillon-import-"));
  store = await openStore("sqlite::memory:");
  clock = createFakeClock();
  target = targetOf(store);
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

const now = () => clock.now();
/** Its waits take no time. */
const impatient = { monotonic: () => clock.monotonic(), sleep: async (ms: number) => clock.advance(ms) };
const targetOf = ({ preferences }: Store): PreferenceTarget => ({
  ...{ app: APP, find: preferences.find },
  update: (app, subject, change) => preferences.update(app, subject, change, clock.now()),
});
const optOuts = (of: PreferenceTarget = target) =>
  optOutList({ target: of, isErased: async () => false, requiredOf: async () => new Set(["codes"]), checkEndpoint: () => [], now });
const blocks = (of: PreferenceTarget = target) => suppressionList({ target: of, checkEndpoint: () => [], now });
const path = (name = "list.csv") => join(directory, name);
const write = (...lines: string[]) => writeFileSync(path(), `${lines.join("\n")}\n`);
const run = <T>(kind: ListKind<T>, over: Partial<ImportOptions> = {}) =>
  importList(kind, impatient, { ...{ path: path(), name: "list.csv", app: APP, format: "csv", dryRun: false, resume: false }, ...over });
const rejected = () =>
  readFileSync(path("list.csv.rejected.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const find = async (subject: string) => (await store.preferences.find(APP, [subject]))[0];
/** Without what differs from run to run. */
const dump = async (of: Store) =>
  (await Array.fromAsync(of.preferences.changedSince(0)))
    .map(({ version, updatedAt, ...record }: PreferenceRecord) => record)
    .sort((a, b) => (a.subject < b.subject ? -1 : 1));

test("refusals and consents are stored, with the file and the line as evidence", async () => {
  write("user_id,choice,channel,category,until", "ada,consent,email,news,", "ada,,,,", `bob,opt_out,sms,deals,${UNTIL}`, "ada,,sms,,");
  assert.deepEqual((await run(optOuts())).counts, { changed: 4, unchanged: 0, rejected: 0 });
  const ada = await find(userSubject("ada"));
  assert.deepEqual(ada?.optOuts, [
    { channel: "*", category: "*" },
    { channel: "sms", category: "*" },
  ]);
  assert.deepEqual(ada?.consents, [{ channel: "email", category: "news" }]);
  assert.deepEqual((await find(userSubject("bob")))?.optOuts, [{ channel: "sms", category: "deals", until: Date.parse(UNTIL) }]);
  const [entry] = await store.preferences.history(APP, userSubject("ada"), 100, 10);
  assert.deepEqual([entry?.version, entry?.origin], [1, { actor: "operator", source: "import", evidence: "list.csv:2-3,5" }]);
});

test("what is stored already is left alone, with its version", async () => {
  write("user_id,category", "ada,news", "bob,news");
  await run(optOuts());
  write("user_id,category", "ada,news", "bob,news", "bob,deals", "ada,news");
  assert.deepEqual((await run(optOuts())).counts, { changed: 1, unchanged: 3, rejected: 0 });
  assert.deepEqual([(await find(userSubject("ada")))?.version, (await find(userSubject("bob")))?.version], [1, 2]);
});

test("a list never takes a refusal back, and never shortens one", async () => {
  write("user_id,choice,category,until", "ada,opt_out,news,", `bob,opt_out,news,${UNTIL}`, "cy,consent,news,");
  await run(optOuts());
  write(
    "user_id,choice,category,until",
    "ada,consent,news,",
    `ada,opt_out,news,${UNTIL}`,
    "bob,opt_out,news,2099-01-01",
    "cy,opt_out,news,",
    "cy,consent,news,",
  );
  assert.deepEqual((await run(optOuts())).counts, { changed: 1, unchanged: 2, rejected: 2 });
  assert.deepEqual((await find(userSubject("ada")))?.optOuts, [{ channel: "*", category: "news" }]);
  assert.deepEqual((await find(userSubject("bob")))?.optOuts, [{ channel: "*", category: "news", until: Date.parse(UNTIL) }]);
  const cy = await find(userSubject("cy"));
  assert.deepEqual([cy?.optOuts, cy?.consents], [[{ channel: "*", category: "news" }], []]);
  assert.deepEqual(
    rejected().map(({ line, rule }) => [line, rule]),
    [
      [2, "consent.opted_out"],
      [6, "consent.opted_out"],
    ],
  );
});

test("a consent of a list never counts more than a refusal that covers it", async () => {
  const [wide, of] = [userSubject("ada"), (channel: "email" | "*", category: string, until?: number) => ({ channel, category, until })];
  const REFUSED = [of("email", "*"), of("*", "news"), of("*", "*"), of("email", "*", now() + 60_000)];
  for (const [n, refusal] of REFUSED.entries()) {
    const subject = userSubject(`u${n}`);
    await store.preferences.update(APP, subject, { optOut: [refusal], origin: {} }, now());
    write("user_id,choice,channel,category", `u${n},consent,email,news`);
    assert.deepEqual((await run(optOuts())).counts, { changed: 0, unchanged: 0, rejected: 1 }, JSON.stringify(refusal));
    assert.deepEqual((await find(subject))?.consents, []);
  }
  // Neither one that has ended, nor one of something else, nor one that stays in force beside the consent.
  const optOut = [of("email", "*", now() - 1), of("email", "deals"), of("email", "weekly")];
  await store.preferences.update(APP, wide, { optOut, origin: {} }, now());
  write("user_id,choice,channel,category", "ada,consent,email,news", "ada,consent,*,weekly");
  assert.deepEqual((await run(optOuts())).counts, { changed: 2, unchanged: 0, rejected: 0 });
});

test("a refusal that is stored between the read and the write is seen", async () => {
  const subject = userSubject("ada");
  const raced: PreferenceTarget = {
    ...target,
    async find(...of) {
      const found = await target.find(...of);
      if (found.length === 0)
        await store.preferences.update(APP, subject, { optOut: [{ channel: "*", category: "news" }], origin: {} }, now());
      return found;
    },
  };
  write("user_id,choice,category", "ada,consent,news");
  assert.deepEqual((await run(optOuts(raced))).counts, { changed: 0, unchanged: 0, rejected: 1 });
  const ada = await find(subject);
  assert.deepEqual([ada?.optOuts, ada?.consents], [[{ channel: "*", category: "news" }], []]);
});

test("rejected records are listed with line, field, rule and shape, and without their values", async () => {
  const LINES = [
    ["ada,,,,,,", undefined, undefined],
    [",not-a-secret,,,,,", "email_address", "string.min_len"],
    [",,+49,,,,", "phone_number", "string.pattern"],
    ["ada,a@example.org,,,,,", "", "subject.one"],
    [",,,,,,", "", "subject.one"],
    ["a secret,,,,,,", "user_id", "string.pattern"],
    ["ada,,,maybe,,,", "choice", "enum.defined_only"],
    ["ada,,,,fax,,", "channel", "enum.defined_only"],
    ["ada,,,,,No Such!,", "category", "string.pattern"],
    ["ada,,,,,codes,", "category", "category.required"],
    ["ada,,,,,news,soon", "until", "timestamp"],
    ["ada,,,,,news,1999-01-01", "until", "timestamp.gt_now"],
    ["short", "", "record.columns"],
  ] as const;
  write("user_id,email_address,phone_number,choice,channel,category,until", ...LINES.map(([line]) => line));
  const { counts, report } = await run(
    optOutList({
      ...{ target, now, isErased: async () => false, requiredOf: async () => new Set(["codes"]) },
      checkEndpoint: (e) =>
        e.channel === "email" && !e.address.includes("@")
          ? [{ field: "endpoint.email_address", rule: "string.min_len", message: "no" }]
          : [],
    }),
  );
  assert.deepEqual(counts, { changed: 1, unchanged: 0, rejected: LINES.length - 1 });
  assert.equal(report, path("list.csv.rejected.jsonl"));
  assert.equal(statSync(report!).mode & 0o777, 0o600);
  assert.deepEqual(
    rejected().map(({ line, field, rule }) => [line, field, rule]),
    LINES.flatMap(([, field, rule], i) => (rule === undefined ? [] : [[i + 2, field, rule]])),
  );
  assert.doesNotMatch(readFileSync(report!, "utf8"), /secret|No Such/);
  assert.equal(rejected().find(({ line }) => line === 10)?.value, "8 characters: letters, spaces, punctuation");
});

test("blocks are stored once, by the endpoint's address or its id", async () => {
  const HEADER = "phone_number,endpoint_id,kind,sender_pool,classes,reason,source,blocked_at";
  const id = "0f".repeat(16);
  write(
    HEADER,
    "+49 170 1234567,,stop,,,,,",
    "+491701234567,,stop,deals,,STOP,twilio,2020-01-01",
    `,${id},bounce,,marketing transactional,550 no such user,sendgrid,2020-01-01`,
    `,${id},bounce,,transactional marketing,again,sendgrid,`,
    `,${id},manual,deals,,,,`,
    `,${id},fax,,,,,`,
    `,${id},,,nobody,,,`,
    `,${id},,,,,,2999-01-01`,
  );
  assert.deepEqual((await run(blocks())).counts, { changed: 2, unchanged: 1, rejected: 5 });
  const block: Block = {
    kind: "bounce",
    reason: "550 no such user",
    source: "sendgrid",
    at: Date.parse("2020-01-01"),
    classes: ["transactional", "marketing"],
  };
  const stored = await find(endpointSubject(id));
  assert.deepEqual(
    stored?.blocks.map((b) => ({ ...b, classes: b.classes?.toSorted() })),
    [{ ...block, classes: ["marketing", "transactional"] }],
  );
  assert.deepEqual(
    rejected().map(({ field, rule }) => [field, rule]),
    [
      ["phone_number", "string.pattern"],
      ["sender_pool", "block.pool"],
      ["kind", "enum.defined_only"],
      ["classes", "enum.defined_only"],
      ["blocked_at", "timestamp.lte_now"],
    ],
  );
});

test("a dry run says what would be stored, and stores nothing", async () => {
  write("user_id,category", "ada,news", "ada,codes");
  assert.deepEqual((await run(optOuts(), { dryRun: true })).counts, { changed: 1, unchanged: 0, rejected: 1 });
  assert.equal(await find(userSubject("ada")), undefined);
  assert.equal(existsSync(path("list.csv.import.json")), false);
});

const MANY = Array.from({ length: 1_700 }, (_, n) => `user-${n % 900},${n % 7 === 0 ? "codes" : `c${n % 5}`}`);

test("what was interrupted goes on, and the result is that of one run", async () => {
  write("user_id,category", ...MANY);
  await using whole = await openStore("sqlite::memory:");
  const { counts, report } = await run(optOuts(targetOf(whole)));
  const reported = readFileSync(report!, "utf8");
  let updates = 0;
  const dying: PreferenceTarget = {
    ...target,
    async update(...change) {
      if (++updates > 700) throw new Error("killed");
      return target.update(...change);
    },
  };
  await assert.rejects(run(optOuts(dying)), /killed/);
  await assert.rejects(
    run(optOuts()),
    (error) => error instanceof OperatorError && /interrupted after line 501: --resume goes on/.test(error.message),
  );
  const resumed = await run(optOuts(), { resume: true });
  assert.equal(resumed.from, 501);
  assert.deepEqual(await dump(store), await dump(whole));
  assert.equal(readFileSync(report!, "utf8"), reported);
  assert.equal(resumed.counts.rejected, counts.rejected);
  assert.equal(resumed.counts.changed + resumed.counts.unchanged, counts.changed + counts.unchanged);
  assert.equal(existsSync(path("list.csv.import.json")), false);
});

test("--resume needs the same file, app and list", async () => {
  write("user_id,category", ...MANY);
  let batches = 0;
  const dying = {
    ...optOuts(),
    apply: (...of: Parameters<ReturnType<typeof optOuts>["apply"]>) =>
      ++batches > 1 ? Promise.reject(new Error("killed")) : optOuts().apply(...of),
  };
  await assert.rejects(run(dying), /killed/);
  const says = (rule: RegExp) => (error: unknown) => error instanceof OperatorError && rule.test(error.message);
  await assert.rejects(run(optOuts(), { resume: true, app: "bank" }), says(/of another import: app was shop/));
  await assert.rejects(run(blocks(), { resume: true }), says(/of another import: list was opt-outs/));
  write("user_id,category", ...MANY, "one,more");
  await assert.rejects(run(optOuts(), { resume: true }), says(/has changed since/));
  rmSync(path("list.csv.import.json"));
  await assert.rejects(run(optOuts(), { resume: true }), says(/no import of this file was interrupted/));
});

test("what the store does not confirm is applied again, and then given up", async () => {
  write("user_id,category", "ada,news", "bob,news");
  let away = 2;
  const flaky: PreferenceTarget = { ...target, update: async (...change) => (away-- > 0 ? undefined : target.update(...change)) };
  assert.deepEqual((await run(optOuts(flaky))).counts, { changed: 2, unchanged: 0, rejected: 0 });
  const gone: PreferenceTarget = { ...target, find: async () => Promise.reject(new StoreError("away")) };
  write("user_id,category", "cy,news");
  await assert.rejects(
    run(optOuts(gone)),
    (error) => error instanceof OperatorError && /does not answer; once it does, go on with --resume/.test(error.message),
  );
});

test("what is exported is imported as it was", async () => {
  const update = (subject: string, change: object) => store.preferences.update(APP, subject, { ...change, origin: {} }, now());
  const block: Block = { kind: "stop", pool: "", classes: ["marketing"], reason: 'said "STOP", twice', source: "twilio", at: 5 };
  await update(userSubject("ada"), { optOut: [{ channel: "*", category: "*" }], consent: [{ channel: "email", category: "news" }] });
  await update(userSubject("bob"), { consent: [{ channel: "sms", category: "deals" }] });
  await update(userSubject("bob"), { optOut: [{ channel: "sms", category: "deals", until: Date.parse(UNTIL) }] });
  await update(endpointSubject("ab".repeat(16)), {
    optOut: [{ channel: "email", category: "*" }],
    block: [block, { ...block, kind: "manual", pool: undefined }],
  });
  await store.preferences.update("bank", userSubject("other"), { optOut: [{ channel: "*", category: "*" }], origin: {} }, now());
  for (const format of ["csv", "jsonl"] as const) {
    await using copy = await openStore("sqlite::memory:");
    const lists = [
      [optOuts(targetOf(copy)), optOutRows(store.preferences, APP, now()), OPT_OUT_COLUMNS],
      [blocks(targetOf(copy)), suppressionRows(store.preferences, APP), SUPPRESSION_COLUMNS],
    ] as const;
    for (const [kind, rows, columns] of lists) {
      writeFileSync(path(), (await Array.fromAsync(writeList(rows, format, columns))).join(""));
      const { counts } = await run(kind as ListKind<never>, { format });
      assert.equal(counts.rejected, 0);
    }
    const expected = (await dump(store)).filter(({ app }) => app === APP);
    assert.deepEqual(JSON.parse(JSON.stringify(await dump(copy))), JSON.parse(JSON.stringify(expected)), format);
  }
});

test("what is kept of who was erased is in no export", async () => {
  const block: Block = { kind: "manual", reason: "", source: "operator", at: 5 };
  const change = { optOut: [{ channel: "*", category: "*" } as const], block: [block], origin: {} };
  await store.preferences.update(APP, tombstoneSubject("ab".repeat(32)), change, now());
  assert.deepEqual(await Array.fromAsync(optOutRows(store.preferences, APP, now())), []);
  assert.deepEqual(await Array.fromAsync(suppressionRows(store.preferences, APP)), []);
});

test("lines are named as ranges", () => {
  assert.equal(linesText([3, 4, 5, 9, 11, 12]), "3-5,9,11-12");
});

test("a list brings nobody back who was erased: their consent is rejected, and the rest is taken", async () => {
  write(
    "user_id,email_address,phone_number,choice,channel,category,until",
    "gone,,,consent,email,news,",
    "gone,,,opt_out,sms,news,",
    "ada,,,consent,email,news,",
  );
  const { counts } = await run(
    optOutList({
      ...{ target, now, requiredOf: async () => new Set<string>(), checkEndpoint: () => [] },
      isErased: async (subject, { category }) => subject === "user:gone" && category === "news",
    }),
  );
  assert.deepEqual([counts.changed, counts.rejected], [2, 1]);
  assert.deepEqual(
    rejected().map(({ line, rule }) => [line, rule]),
    [[2, "erased"]],
  );
});
