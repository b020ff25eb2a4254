import assert from "node:assert/strict";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import { StoreError } from "../../adapters/store/store-error.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createReadings } from "./readings.ts";

const nats = { isConnected: () => true };
const ROWS: readonly [what: string, error: Error, fault: RegExp][] = [
  ["a store that is away says so", new StoreError("the store did not answer"), /^the store did not answer$/],
  [
    "an error of ours shows its name alone: its text may be of a recipient",
    new SyntaxError("Unexpected token 'a', \"ada@example.com\" is not valid JSON"),
    /^an error of ours \(SyntaxError\)$/,
  ],
];
for (const [what, error, fault] of ROWS)
  test(`where a reading in the background fails, ${what}`, async () => {
    await using store = await openStore("sqlite::memory:");
    const failing = { ...store, time: () => Promise.reject(error) };
    const readings = createReadings({ store: failing, clock: systemClock, circuits: () => ({ read: async () => undefined }), nats });
    for (const kept of [readings.recent, readings.failed]) assert.match((await kept()).fault, fault);
  });
