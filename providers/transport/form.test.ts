import assert from "node:assert/strict";
import { test } from "node:test";
import { formOf } from "./form.ts";

test("a form is read back as it was given: lists, signs and all characters", () => {
  const fields = {
    To: "+447700900123",
    Body: "50 % off & more = 1+1 €\n😀 ä '!*()~",
    MediaUrl: ["https://a.example/?b=c&d", "https://e.example"],
    Empty: "",
  };
  const read = new URLSearchParams(formOf(fields));
  assert.deepEqual(
    [...read],
    Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one) => [name, one])),
  );
});

test("half of a character is replaced, not thrown", () => {
  assert.equal(new URLSearchParams(formOf({ Body: "a\ud83d" })).get("Body"), "a\ufffd");
});
