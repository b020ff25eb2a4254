import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { StoreError } from "../../adapters/store/store-error.ts";
import { userSubject } from "../../core/preferences/opt-out.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { blocks, dump, find, now, optOuts, path, rejected, run, store, target, targetOf, write } from "../../test/support/list-imports.ts";
import type { PreferenceTarget } from "./apply-to-subjects.ts";
import { optOutList } from "./opt-out-list.ts";

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
