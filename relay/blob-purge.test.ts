import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../runtime/logger.ts";
import { eventually } from "../test/support/eventually.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { BLOB_PURGE_EVERY_MS, purgeBlobs } from "./blob-purge.ts";

test("files whose time is over are removed every minute, also after a failure, until the relay stops", async () => {
  const clock = createFakeClock();
  const ending = new AbortController();
  const asked: number[] = [];
  const lines: string[] = [];
  const purge = async (before: number) => {
    asked.push(before);
    if (asked.length === 1) throw new Error("the store is away");
    return 0;
  };
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const running = purgeBlobs({ purge }, { clock, log, signal: ending.signal });
  for (const times of [1, 2, 3])
    await eventually(`purge ${times}`, () => {
      if (asked.length < times) clock.advance(BLOB_PURGE_EVERY_MS);
      return asked.length === times;
    });
  assert.ok(asked[0]! < asked[1]! && asked[1]! < asked[2]!);
  assert.match(lines.join(), /removing stored files fails.*works again/s);
  ending.abort();
  await running;
  assert.equal(asked.length, 3);
});
