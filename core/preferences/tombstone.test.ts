import assert from "node:assert/strict";
import { test } from "node:test";
import type { OptOut } from "./opt-out.ts";
import { refusalsAgainst, refusalsEndedBy, refusalsToKeep } from "./tombstone.ts";

const choice = (channel: OptOut["channel"], category: string): OptOut => ({ channel, category });

test("a tombstone keeps refusals that still say something", () => {
  const optOuts = [choice("*", "*"), { ...choice("sms", "ads"), until: 10 }, { ...choice("email", "ads"), until: 11 }];
  assert.deepEqual(refusalsToKeep({ optOuts }, 10), [optOuts[0], optOuts[2]]);
});

test("a consent goes against every refusal that covers something of it", () => {
  const rows: [OptOut, OptOut, boolean][] = [
    [choice("*", "*"), choice("email", "news"), true],
    [choice("email", "*"), choice("email", "news"), true],
    [choice("*", "news"), choice("email", "news"), true],
    [choice("email", "news"), choice("email", "news"), true],
    [choice("email", "news"), choice("*", "*"), true],
    [choice("sms", "*"), choice("email", "news"), false],
    [choice("email", "ads"), choice("email", "news"), false],
    [choice("*", "ads"), choice("email", "news"), false],
    [choice("sms", "news"), choice("email", "news"), false],
  ];
  for (const [refusal, consent, against] of rows)
    assert.deepEqual(refusalsAgainst([refusal], [consent]), against ? [refusal] : [], JSON.stringify([refusal, consent]));
  assert.deepEqual(refusalsAgainst([choice("*", "*")], []), []);
});

test("a consent ends the refusal of exactly its channel and category, and no wider one", () => {
  const refusals = [choice("*", "*"), choice("email", "*"), choice("*", "news"), choice("email", "news"), choice("sms", "news")];
  assert.deepEqual(refusalsEndedBy(refusals, [choice("email", "news")]), [choice("email", "news")]);
  assert.deepEqual(refusalsEndedBy(refusals, [choice("*", "*"), choice("apns", "ads")]), [choice("*", "*")]);
  assert.deepEqual(refusalsEndedBy(refusals, []), []);
});
