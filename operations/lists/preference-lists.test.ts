import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Block } from "../../core/preferences/block.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { tombstoneSubject } from "../../core/preferences/tombstone.ts";
import {
  APP,
  blocks,
  dump,
  find,
  now,
  optOuts,
  path,
  rejected,
  run,
  store,
  target,
  targetOf,
  write,
} from "../../test/support/list-imports.ts";
import { linesText, type PreferenceTarget } from "./apply-to-subjects.ts";
import type { ListKind } from "./import-list.ts";
import { OPT_OUT_COLUMNS, optOutList, optOutRows } from "./opt-out-list.ts";
import { SUPPRESSION_COLUMNS, suppressionRows } from "./suppression-list.ts";
import { writeList } from "./write-list.ts";

const UNTIL = "2100-01-01T00:00:00.000Z";

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
