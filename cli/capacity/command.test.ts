import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseArgs } from "node:util";
import { findHelm } from "../../test/chart/find-helm.ts";
import { runCli } from "../../test/e2e/cli-process.ts";
import { UsageError } from "../command.ts";
import { CAPACITY_OPTIONS, parseNumber, readDemand } from "./options.ts";

const ROOT = join(import.meta.dirname, "../..");
const SIXTEEN_MILLION = ["--push", "10M", "--email", "5M", "--sms", "1M", "--peak", "10", "--rate-limit", "sms=100"];
const demandOf = (...args: string[]) => readDemand(parseArgs({ args, options: CAPACITY_OPTIONS, strict: true }).values);

test("docs/capacity.md shows what the command prints for 16M a day at ten times the average", async () => {
  const { code, stdout } = await runCli(["capacity", ...SIXTEEN_MILLION, "--nodes"]);
  assert.equal(code, 0);
  const page = readFileSync(join(ROOT, "docs/capacity.md"), "utf8");
  const [, shown = ""] = /```text\n\$ carillon capacity [^\n]*\n(.*?)```/s.exec(page) ?? [];
  assert.equal(shown, stdout, "run the command again and copy its output into docs/capacity.md");
});

test("--explain prints the formula of each figure", async () => {
  const { stdout } = await runCli(["capacity", ...SIXTEEN_MILLION, "--explain"]);
  for (const sum of [
    /^apns per pod\/s [\d,]+\n {4}= the lower of 0\.5 core \/ [\d.]+ ms of CPU per task \(measured\), and in flight \d+ \/ \d+ ms/m,
    /^sms pods avg 2?1?, peak \d+\n {4}= ceil\(1\.1 × arrivals\/s, at most 100 \/ target\)/m,
    /^gateway [\d.]+ cores\n {4}= peak\/s × [\d.]+ ms per notification/m,
    /^MongoDB [\d,]+ GiB\n {4}= 1\.3 × \(content per day × 30 days \+ the rest per day × 400 days\)/m,
    /^Redis [\d,]+ claims, .*\n {4}= sent\/s × 15 s × \d+ B/m,
    /^NATS max_bytes .*\n {4}= the channel with the most after the outage/m,
  ])
    assert.match(stdout, sum);
});

test("numbers may end in K, M or G, and push is split as given", () => {
  assert.deepEqual([parseNumber("10M", "n", 1e9), parseNumber("1.5k", "n", 1e9), parseNumber("2G", "n", 1e10)], [1e7, 1_500, 2e9]);
  const { perDay, rateLimits } = demandOf(
    "--push",
    "1M",
    "--push-split",
    "apns=50,fcm=50",
    "--rate-limit",
    "sms=100",
    "--rate-limit",
    "email=1K",
  );
  assert.deepEqual(perDay, { apns: 500_000, fcm: 500_000, webpush: 0, sms: 0, email: 0 });
  assert.deepEqual(rateLimits, { sms: 100, email: 1_000 });
});

const MISTAKES: readonly [args: string[], says: RegExp][] = [
  [[], /--push, --email or --sms is required/],
  [["--push", "many"], /--push must be a number from 0 to 1000G, optionally followed by K, M or G/],
  [["--push", "-1"], /push/],
  [["--push", "1M", "--peak", "0.5"], /--peak must be a number from 1 to 1000/],
  [["--push", "1M", "--push-split", "apns=50"], /--push-split must add up to 100/],
  [["--push", "1M", "--push-split", "apns=50,sms=50"], /--push-split must be like apns=1: one of apns, fcm, webpush/],
  [["--push", "1M", "--push-split", "apns=50,apns=50"], /--push-split names apns twice/],
  [["--push", "1M", "--rate-limit", "fax=3"], /--rate-limit must be like apns=1/],
  [["--push", "1M", "--rate-limit", "sms=0"], /--rate-limit sms must be above 0/],
  [["--push", "1M", "--retention", "a month"], /--retention must be like 90s, 5m, 2h or 7d/],
  [["--push", "1M", "--retention", "1h"], /--retention must be at least 35d$/],
  [["--push", "1M", "--content-retention", "1h"], /--content-retention must be at least 1d$/],
  [["--push", "1M", "--content", "email=lots"], /--content email must be a number/],
];
for (const [args, says] of MISTAKES)
  test(`a mistake names the option and its rule: ${args.join(" ") || "nothing given"}`, () => {
    assert.throws(
      () => demandOf(...args),
      (error: Error) => (error instanceof UsageError || error instanceof TypeError) && says.test(error.message),
    );
  });

const helm = findHelm();
test("the chart accepts the printed values and renders them", {
  skip: helm ? false : "helm is not installed",
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-capacity-"));
  try {
    const { stdout } = await runCli(["capacity", ...SIXTEEN_MILLION, "--values"]);
    const file = join(directory, "values.yaml");
    writeFileSync(file, stdout);
    const chart = join(ROOT, "deploy/helm/carillon");
    const rendered = execFileSync(helm ?? "", ["template", "try", chart, "-f", join(chart, "ci/minimal-values.yaml"), "-f", file], {
      encoding: "utf8",
      maxBuffer: 2 ** 26,
    });
    assert.match(rendered, /name: DISPATCH_RATE_MAX\n\s+value: "100"/);
    const target = /targetRatePerPod: (\d+)/.exec(stdout)?.[1];
    assert.match(rendered, new RegExp(`averageValue: "${target}"`));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
