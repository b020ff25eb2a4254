import assert from "node:assert/strict";
import { test } from "node:test";
import { callError } from "../call-error.ts";
import { errorInJsonNames } from "./field-names.ts";

const renamed = (text: string) => errorInJsonNames(callError("INVALID_ARGUMENT", "INVALID_FIELD", text)).message;

test("names of fields are as JSON spells them, and the keys of a map as they are", () => {
  const text = 'notification.content.push.data["user_id"], user_id[2].idempotency_key: not user_idle, no_field';
  assert.equal(renamed(text), 'notification.content.push.data["user_id"], userId[2].idempotencyKey: not user_idle, no_field');
});

test("a text of any length is read once: one key of an override had kept the process for 20 minutes", () => {
  const key = "a".repeat(1_000_000);
  assert.equal(renamed(`data.carillon-${key}: is refused, user_id`), `data.carillon-${key}: is refused, userId`);
});
