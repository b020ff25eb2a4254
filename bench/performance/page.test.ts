import assert from "node:assert/strict";
import { test } from "node:test";
import { summaryOf } from "../summary.ts";
import { BUSY, type Figure } from "./figure.ts";
import { pageOf } from "./page.ts";
import { number } from "./page-text.ts";
import { type AskedQuestion, QUESTIONS } from "./questions.ts";
import { parseResults, printResults, type Result, readResults, withResult } from "./results.ts";
import { figuresFor, TARGETS, type Target, verdictOf } from "./targets.ts";
import { currentPage, drawings, writtenDrawing, writtenPage } from "./write-page.ts";

const question: AskedQuestion = {
  ...{ name: "relay", title: "The relay", rows: ["T5"], stores: ["sqlite", "mongodb"], minutes: 1 },
  load: () => Promise.reject(new Error("not asked here")),
};
const target: Target = {
  row: "T5",
  what: "relay / publish",
  unit: "",
  figures: /\//,
  better: "higher",
  must: 0.8,
  stretch: 1.5,
  before: "0.2",
};
const figure = (what: string, values: readonly number[], over: Partial<Figure> = {}): Figure => ({
  ...{ row: "T5", what, store: "sqlite", unit: "", value: summaryOf(values) },
  ...over,
});
const result = (figures: readonly Figure[], over: Partial<Result> = {}): Result => ({
  ...{ date: "2026-12-01T10:00", commit: "abc1234", seconds: 61, question: "relay", store: "sqlite", figures },
  machine: { cpu: "A CPU", cores: 2, memoryGiB: 8, linux: "6.1" },
  versions: { node: "24.1.0", nats: "2.15.1", redis: "9.1.2" },
  ...over,
});
const markdownOf = (template: string, results: readonly Result[], questions = [question]) =>
  pageOf({ template, results, questions, targets: [target] }).markdown;

test("docs/performance.md and its drawings are what the results and the template give", () => {
  const { markdown, images } = currentPage(readResults());
  assert.equal(writtenPage(), markdown, "node bench/performance.ts --write-only");
  assert.deepEqual(drawings().sort(), [...images.keys()].sort());
  for (const [file, svg] of images) assert.equal(writtenDrawing(file), svg, file);
});

test("every row that a question answers has a target, and names are unique", () => {
  const rows = new Set(TARGETS.map(({ row }) => row));
  const asked = new Set(QUESTIONS.flatMap((q) => q.rows));
  const known = ["floors", "peers"];
  for (const row of asked) assert.ok(rows.has(row) || known.includes(row), row);
  assert.equal(new Set(QUESTIONS.map((q) => q.name)).size, QUESTIONS.length);
});

test("every question can be loaded", async () => {
  for (const { name, load } of QUESTIONS) assert.equal(typeof (await load()), "function", name);
});

test("a target shows the figure farthest from it, and which bound it keeps", () => {
  const good = figure("relay / publish, small", [1.6, 1.7, 1.8]);
  const bad = figure("relay / publish, large", [0.9, 1, 1.1]);
  const page = markdownOf("{{targets}}", [result([good, bad, figure("relay: rate", [9_000], { unit: "/s" })])]);
  assert.match(page, /\| 1 \(0\.9-1\.1; n 3\), worst of 2: relay \/ publish, large \| must \| not measured \|/);
  assert.match(markdownOf("{{targets}}", [result([good])]), /\| 1\.7 \(1\.6-1\.8; n 3\) \| stretch \|/);
  assert.match(markdownOf("{{targets}}", [result([figure("relay / publish", [0.2])])]), /\| 0\.2 \| \*\*no\*\* \|/);
});

test("a store that no question asks about is said to be none, and so is a figure without a store", () => {
  const sqliteOnly = { ...question, stores: ["sqlite"] as const };
  const results = [result([figure("relay / publish", [1])])];
  assert.match(markdownOf("{{targets}}", results, [sqliteOnly]), /\| 1 \| must \| SQLite only \|/);
  assert.match(markdownOf("{{targets}}", results), /\| 1 \| must \| not measured \|/);
  const { store: _, ...bare } = figure("relay / publish", [1]);
  assert.match(markdownOf("{{targets}}", [result([bare])]), /\| 1 \| must \| no store \|/);
});

test("a lower bound is reached from below, and a figure of another row or unit does not count", () => {
  const lower: Target = { ...target, better: "lower", must: 3, stretch: 1 };
  assert.deepEqual(
    [1, 2, 3, 4].map((value) => verdictOf(lower, value)),
    ["stretch", "must", "must", "below"],
  );
  assert.deepEqual(figuresFor(target, [figure("a / b", [1], { row: "T4" }), figure("a / b", [1], { unit: "ms" })]), []);
});

test("a figure of both stores is one line, also where the machine was busy during one of them", () => {
  const page = markdownOf("{{answer relay}}", [
    result([figure("rate", [1_234.5], { unit: "/s" })]),
    result([figure(`rate${BUSY}`, [0.0123], { unit: "/s", store: "mongodb" })], { store: "mongodb" }),
  ]);
  assert.match(page, /\| T5 \| rate \| 1,235\/s \| 0\.012\/s, busy machine \|/);
  assert.match(page, /SQLite on 2026-12-01 at commit abc1234 in 61 s; MongoDB stand-in on/);
});

test("what else used the machine is said of each answer, and notes stand below the figures", () => {
  const load = { before: 0.4, cores: 0.05, stolenShare: 0 };
  const quiet = markdownOf("{{answer relay}}", [result([], { load, notes: ["1,900/s held"] })]);
  assert.match(quiet, /in 61 s \(load before 0\.4, others used 0\.05 cores, the host took 0 %\)/);
  assert.match(quiet, /\n\n- 1,900\/s held\n\n/);
  const busy = { ...load, cores: 0.9, fixedWorkMs: [61.2, 80] as const };
  assert.match(
    markdownOf("{{answer relay}}", [result([], { load: busy })]),
    /\*\*busy machine\*\*: fixed work took 61\.2 ms before and 80 after, load before/,
  );
});

test("figures by subject are a line per subject", () => {
  const page = markdownOf(
    "{{answer relay}}",
    [result([figure("gateway: CPU", [1], { unit: "%" }), figure("gateway: size", [90], { unit: "MiB" })])],
    [{ ...question, bySubject: true }],
  );
  assert.match(page, /\| {2}\| CPU \| size \|\n.*\n\| gateway \| 1 % \| 90 MiB \|/);
});

test("a curve is drawn into a file of its own for each store", () => {
  const curves = [{ name: "load", title: "Load", x: "x", y: "y", lines: [{ name: "a", points: [[1, 2] as const] }] }];
  const input = { template: "{{answer relay}}", questions: [question], targets: [target] };
  const results = [result([], { curves }), result([], { curves, store: "mongodb" })];
  const { markdown, images } = pageOf({ ...input, results });
  assert.deepEqual([...images.keys()], ["performance-load.svg", "performance-load-mongodb.svg"]);
  assert.match(markdown, /!\[Load, SQLite\]\(images\/performance-load\.svg\)/);
  assert.throws(() => pageOf({ ...input, results: [result([], { curves: [...curves, ...curves] })] }), /two curves are called "load"/);
});

test("a question without a result, or without a place in the template, still has its section", () => {
  assert.match(markdownOf("{{sections}}", []), /## The relay\n\nNot measured yet/);
  assert.equal(markdownOf("{{answer relay}}\n\n{{sections}}", []).match(/Not measured yet/g)?.length, 1);
  assert.throws(() => markdownOf("{{answer nobody}}", []), /"nobody", which does not exist/);
  assert.throws(() => markdownOf("{{what}}", []), /which means nothing/);
});

test("a repeated question replaces its earlier result with the same store", () => {
  const first = [result([]), result([], { store: "mongodb" })];
  const again = withResult(first, result([], { seconds: 5 }));
  assert.deepEqual(
    again.map((r) => [r.store, r.seconds]),
    [
      ["sqlite", 5],
      ["mongodb", 61],
    ],
  );
  assert.deepEqual(parseResults(printResults(again)), again);
});

test("numbers have three significant digits", () => {
  assert.deepEqual([123_456.7, 99.94, 1.234, 0.0174, 0].map(number), ["123,457", "99.9", "1.23", "0.017", "0"]);
});
