import assert from "node:assert/strict";
import { test } from "node:test";
import { smsDestinationAllowed } from "./sms-destination.ts";

const MOBILES = ["+4915112345678", "+447911123456", "+14155550123", "+33612345678", "+819012345678", "+919812345678", "+393471234567"];
/** Premium-rate or shared-cost in Britain, Germany, France, Spain, Austria, Switzerland, the United States and Japan; satellites; networks. */
const COSTLY = [
  ...["+449098790000", "+448451234567", "+4990012345678", "+4918012345678", "+33899123456", "+34803123456", "+43930123456", "+41901123456"],
  ...["+19001234567", "+19005550123", "+81990123456", "+881612345678", "+88213300655", "+8835100012345", "+979123456789", "+870773111632"],
];

test("without prefixes, phones of every country are allowed, and no costly number", () => {
  for (const number of MOBILES) assert.equal(smsDestinationAllowed(number, undefined), true, number);
  for (const number of COSTLY) assert.equal(smsDestinationAllowed(number, undefined), false, number);
});

test("with prefixes, only what begins with one, and a costly number only where a prefix names its range", () => {
  assert.equal(smsDestinationAllowed("+14155550123", ["+49", "+1"]), true);
  assert.equal(smsDestinationAllowed("+14155550123", ["+49", "+1416"]), false);
  assert.equal(smsDestinationAllowed("+447911123456", ["+49", "+1"]), false);
  for (const number of COSTLY) assert.equal(smsDestinationAllowed(number, ["+1", "+4", "+3", "+8", "+9"]), false, number);
  assert.equal(smsDestinationAllowed("+19001234567", ["+1", "+1900"]), true);
  assert.equal(smsDestinationAllowed("+19001234567", ["+19001"]), true);
  assert.equal(smsDestinationAllowed("+4915112345678", []), false);
});
