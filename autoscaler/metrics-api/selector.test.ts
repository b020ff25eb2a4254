import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSelector, selects } from "./selector.ts";

const SMS = { channel: "sms", release: "carillon" };

// As k8s.io/apimachinery/pkg/labels reads them.
const CASES: readonly [text: string, selects: boolean][] = [
  ["", true],
  ["  ", true],
  ["channel=sms", true],
  ["channel==sms", true],
  ["channel = sms", true],
  ["channel=email", false],
  ["channel=", false],
  ["channel!=email", true],
  ["channel!=sms", false],
  ["tier!=gold", true],
  ["tier=gold", false],
  ["channel in (sms,email)", true],
  ["channel in ( sms , email )", true],
  ["channel in (sms)", true],
  ["channel in(email)", false],
  ["channel in (email,apns)", false],
  ["tier in (gold)", false],
  ["channel notin (email,apns)", true],
  ["channel notin (sms)", false],
  ["tier notin (gold)", true],
  ["channel", true],
  ["tier", false],
  ["!tier", true],
  ["! tier", true],
  ["!channel", false],
  ["carillon.dev/channel=sms", false],
  ["!carillon.dev/channel", true],
  ["toString", false],
  ["channel=sms,release=carillon", true],
  ["channel in (sms,email),release=carillon", true],
  ["release=carillon, channel notin (email,apns), !tier", true],
  ["channel=sms,release=other", false],
  ["in=x", false],
  ["notin", false],
];

for (const [text, expected] of CASES)
  test(`"${text}" ${expected ? "selects" : "does not select"} channel=sms,release=carillon`, () => {
    const parsed = parseSelector(text);
    assert.ok(!("part" in parsed), JSON.stringify(parsed));
    assert.equal(selects(parsed, SMS), expected);
  });

const FAULTS: readonly [text: string, part: string][] = [
  [",", ""],
  ["channel=sms,", ""],
  ["channel in sms", "channel in sms"],
  ["channel in (sms", "channel in (sms"],
  ["channel=(sms)", "channel=(sms)"],
  ["channel=s m s", "channel=s m s"],
  ["channel=sms=email", "channel=sms=email"],
  ["channel>1", "channel>1"],
  ["release=carillon,channel<1", "channel<1"],
  ["=sms", "=sms"],
  ["-channel=sms", "-channel=sms"],
  ["channel=-", "channel=-"],
  [`channel=${"x".repeat(64)}`, `channel=${"x".repeat(64)}`],
  ["channel in (-)", "channel in (-)"],
];

for (const [text, part] of FAULTS)
  test(`"${text.slice(0, 40)}" is no label selector`, () => {
    assert.deepEqual(parseSelector(text), { part });
  });
