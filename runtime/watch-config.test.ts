import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { mountSecret } from "../test/support/certificates.ts";
import { eventually } from "../test/support/eventually.ts";
import { readConfig, text, type Values, watchedSecretFile } from "./config.ts";
import { createLogger } from "./logger.ts";
import { watchConfig } from "./watch-config.ts";

const POLL_MS = 5;
/** Long enough for many polls, in ms; it only shows that they were made. */
const POLLS_MS = 20 * POLL_MS;

const variables = {
  NAME: text({ reason: "is no file" }),
  FIRST_FILE: watchedSecretFile({ reason: "one" }),
  SECOND_FILE: watchedSecretFile({ reason: "another" }),
};
type Config = Values<typeof variables>;

interface Watched {
  files: ReturnType<typeof mountSecret>;
  taken: Config[];
  errors(): { msg: string; variables?: string[]; err: { message: string } }[];
  printed(): string;
}

async function watching(take: (config: Config) => void, body: (watched: Watched) => Promise<void>) {
  const directory = mkdtempSync(join(tmpdir(), "carillon-watch-"));
  const lines: string[] = [];
  const taken: Config[] = [];
  try {
    const files = mountSecret(directory, { first: "old-1", second: "old-2" });
    const env = { NAME: "n", FIRST_FILE: files.path("first"), SECOND_FILE: files.path("second") };
    const log = createLogger("test", "debug", { write: (line) => void lines.push(line) });
    const taking = (config: Config) => {
      take(config);
      taken.push(config);
    };
    using _ = watchConfig({ variables, env, start: readConfig(variables, env), take: taking, log, pollMs: POLL_MS });
    const errors = () => lines.map((line) => JSON.parse(line)).filter((line) => line.level === "error");
    await body({ files, taken, errors, printed: () => lines.join("") });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
const any = () => {};

test("files that change together are used together, once", () =>
  watching(any, async ({ files, taken, printed }) => {
    await delay(POLLS_MS);
    assert.deepEqual(taken, []);
    files.replace({ first: "new-1", second: "new-2" });
    await eventually("taken", () => taken.length > 0);
    await delay(POLLS_MS);
    assert.deepEqual(taken, [{ NAME: "n", FIRST_FILE: "new-1", SECOND_FILE: "new-2" }]);
    assert.match(printed(), /"variables":\["FIRST_FILE","SECOND_FILE"\],"msg":"configuration reloaded"/);
    files.replace({ first: "old-1", second: "new-2" });
    await eventually("taken back", () => taken.length > 1);
    assert.deepEqual(taken[1], { NAME: "n", FIRST_FILE: "old-1", SECOND_FILE: "new-2" });
  }));

test("a missing or empty file is logged once; the next usable one is loaded", () =>
  watching(any, async ({ files, taken, errors }) => {
    files.replace({ first: "new-1" });
    await eventually("logged", () => errors().length > 0);
    await delay(POLLS_MS);
    assert.equal(errors().length, 1);
    assert.match(errors()[0]!.err.message, /SECOND_FILE: the file cannot be read \(ENOENT\)/);
    files.replace({ first: "new-1", second: "" });
    await eventually("logged", () => errors().length > 1);
    assert.deepEqual(taken, []);
    files.replace({ first: "new-1", second: "new-2" });
    await eventually("taken", () => taken.length > 0);
    assert.equal(errors().length, 2);
  }));

test("an unusable file is logged once, without its content, and read again only after a change", () => {
  let tries = 0;
  const take = (config: Config) => {
    if (config.FIRST_FILE !== "bad-1") return;
    tries++;
    throw new Error("FIRST_FILE is of no use");
  };
  return watching(take, async ({ files, taken, errors, printed }) => {
    for (const round of [1, 2]) {
      files.replace({ first: "bad-1", second: "old-2" });
      await eventually("logged", () => errors().length === round);
      await delay(POLLS_MS);
      assert.equal(tries, round);
      assert.deepEqual(errors()[round - 1]!.variables, ["FIRST_FILE"]);
      // What was in use before is no news.
      files.replace({ first: "old-1", second: "old-2" });
      await delay(POLLS_MS);
      assert.deepEqual(taken, []);
    }
    assert.doesNotMatch(printed(), /bad-1|old-|new-/);
  });
});

test("a file that is just being written is not used", () =>
  watching(any, async ({ files, taken, errors }) => {
    // Written faster than anybody looks: no two looks agree.
    for (let i = 0; i < 200; i++) {
      writeFileSync(files.path("first"), `half-${i}`);
      await delay(1);
    }
    writeFileSync(files.path("first"), "whole");
    await eventually("taken", () => taken.at(-1)?.FIRST_FILE === "whole");
    assert.deepEqual(errors(), []);
    assert.ok(taken.length < 10, `${taken.length} taken`);
  }));
