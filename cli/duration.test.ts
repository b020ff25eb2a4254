import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "./command.ts";
import { COMMANDS, loadCommand } from "./commands.ts";
import { durationText, parseDuration } from "./duration.ts";
import { readArguments } from "./read-arguments.ts";

const LIFE = /must be at most 28d: no notification lives longer$/;
const TEN_YEARS = /must be at most 3650d: .* ten years at most$/;
/** [command with its arguments, flag, whether it may be 0, what is said of one that is too long]. Each is checked before anything is opened. */
const DURATIONS: readonly (readonly [
  words: string,
  args: readonly string[],
  flag: string,
  least: "0" | "above 0" | "1d" | "35d",
  max: RegExp,
])[] = [
  ["tail", ["ab".repeat(16)], "for", "0", LIFE],
  ["pause", ["channel:sms", "--by", "ann", "--why", "test"], "until", "above 0", LIFE],
  ["dead redrive", ["--all", "--dry-run"], "expires-in", "above 0", LIFE],
  ["keys", [], "expiring", "above 0", TEN_YEARS],
  ["app create", ["shop"], "expires-in", "above 0", TEN_YEARS],
  ["app key add", ["shop"], "expires-in", "above 0", TEN_YEARS],
  ["app key rotate", ["shop"], "expires-in", "above 0", TEN_YEARS],
  ["app key rotate", ["shop"], "overlap", "0", TEN_YEARS],
  ["app webhook rotate", ["shop", "crm"], "overlap", "0", TEN_YEARS],
  ["capacity", ["--push", "1M"], "retention", "35d", TEN_YEARS],
  ["capacity", ["--push", "1M"], "content-retention", "1d", TEN_YEARS],
  ["capacity", ["--push", "1M"], "outage", "0", LIFE],
  ["sandbox credentials", ["--from", "http://127.0.0.1:1", "--to", "none"], "wait", "above 0", /must be at most 1h: a sandbox/],
];
const MALFORMED = [
  "",
  "0",
  "5",
  "-5m",
  "1.5h",
  "1e3s",
  "0x5s",
  " 5m",
  "5 m",
  "5M",
  "5m5s",
  "\u0665m",
  "Infinityd",
  "1234567890s",
  "9".repeat(10_000),
];
const LIKE = /must be like 90s, 5m, 2h or 7d: a whole number of up to nine digits, and a unit$/;

async function faultOf([words, args, flag]: (typeof DURATIONS)[number], value: string): Promise<string> {
  const command = await loadCommand(words);
  try {
    await command.run({ ...readArguments(command, [...args, `--${flag}=${value}`]), env: {} });
  } catch (error) {
    // Without a store the command fails after its options were read.
    if (!(error instanceof UsageError)) return "";
    assert.ok(error.message.startsWith(`--${flag} `), error.message);
    return error.message;
  }
  return "";
}

for (const of of DURATIONS) {
  const [words, , flag, least, max] = of;
  test(`carillon ${words} --${flag}: what is no duration, too short or too long is an error that says the rule`, async () => {
    for (const value of MALFORMED) assert.match(await faultOf(of, value), LIKE, value);
    for (const value of ["999999999d", "3651d"]) assert.match(await faultOf(of, value), max, value);
    if (least !== "0")
      assert.match(await faultOf(of, "0s"), least === "above 0" ? /must be above 0$/ : new RegExp(`must be at least ${least}$`));
  });
}

test("every option that its usage shows as a duration is among these", async () => {
  const found = new Set<string>();
  for (const words of Object.keys(COMMANDS))
    for (const [, flag] of (await loadCommand(words)).usage.matchAll(/--([a-z-]+) \d+(?:ms|s|m|h|d)(?![|\w])/g))
      found.add(`${words} --${flag}`);
  const listed = DURATIONS.map(([words, , flag]) => `${words} --${flag}`);
  assert.deepEqual([...found].sort(), [...listed].sort());
});

test("a duration is shown in its largest unit, and read back", () => {
  for (const [ms, text] of [
    [250, "250ms"],
    [90_000, "90s"],
    [300_000, "5m"],
    [7_200_000, "2h"],
    [86_400_000, "1d"],
  ] as const) {
    assert.equal(durationText(ms), text);
    assert.equal(parseDuration(text), ms);
  }
});
