import assert from "node:assert/strict";
import { test } from "node:test";
import { mediaTypeOf } from "./media-type.ts";

test("a content type has a type and parameters", () => {
  const read = (contentType: string) => {
    const { type, parameters } = mediaTypeOf(contentType);
    return [type, Object.fromEntries(parameters)];
  };
  assert.deepEqual(read("Application/PDF"), ["application/pdf", {}]);
  assert.deepEqual(read("text/csv; charset=utf-8"), ["text/csv", { charset: "utf-8" }]);
  assert.deepEqual(read('text/calendar;METHOD=REQUEST ; x="a; b=\\"c\\""'), ["text/calendar", { method: "REQUEST", x: 'a; b="c"' }]);
});
