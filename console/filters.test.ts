import assert from "node:assert/strict";
import { test } from "node:test";
import { chipsOf } from "./client/filters.ts";

test("chips name states as the list of states does, however many a link has", () => {
  const value = (state: string) => chipsOf({ state })[0]!.value;
  assert.deepEqual(["pending", "sent,delivered", "sent,other"].map(value), ["Waiting", "Sent or Delivered", "Sent or other"]);
});
