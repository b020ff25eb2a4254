import assert from "node:assert/strict";
import { test } from "node:test";
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator } from "@bufbuild/protovalidate";
import fc from "fast-check";
import { anyMessage, codecOf, requestTypes } from "../../test/support/any-request.ts";
import { descriptors } from "./descriptors.ts";
import { compileValidator } from "./validate.ts";

/** Messages made for each request type; the whole file takes a few seconds. */
const RUNS = 250;

// --- protovalidate's result for the same bytes. ---

const protovalidate = createValidator({ registry: descriptors() });
function expected(desc: DescMessage, bytes: Uint8Array): { field: string; rule: string }[] {
  const result = protovalidate.validate(desc, fromBinary(desc, bytes));
  assert.notEqual(result.kind, "error", String(result.error));
  const violations = (result.violations ?? []).map((v) => ({ field: pathToString(v.field), rule: v.ruleId }));
  // The documented difference: a value over its size limit is not checked further.
  const over = violations.filter((v) => /\.max_(len|items|pairs)$/.test(v.rule));
  return violations.filter(
    (v) => over.every((o) => v === o || o.field !== v.field) && !over.some((o) => v.field.startsWith(`${o.field}[`)),
  );
}
const asText = (violations: readonly { field: string; rule: string }[]) => violations.map((v) => `${v.field}: ${v.rule}`).sort();

test("the requests of every service are tested", () => {
  assert.deepEqual(
    requestTypes()
      .map((t) => t.name)
      .sort(),
    // biome-ignore format: one list
    ["BatchSendNotificationsRequest", "CancelNotificationsRequest", "CheckPreferencesRequest", "CreatePreferencesLinkRequest", "DeleteCategoryRequest", "EraseUserRequest", "ExportUserRequest", "GetNotificationRequest", "GetPreferencesRequest", "GetProfileRequest", "LiftBlockRequest", "ListCategoriesRequest", "ListContactsRequest", "ListNotificationsRequest", "ListPreferenceChangesRequest", "PreviewNotificationRequest", "PutBlobRequest", "PutCategoryRequest", "RegisterContactRequest", "RemoveContactRequest", "SendNotificationRequest", "SetProfileRequest", "StatBlobRequest", "UpdatePreferencesRequest"],
  );
});

for (const desc of requestTypes()) {
  test(`finds in any ${desc.name} what protovalidate finds in its bytes`, () => {
    const codec = codecOf(desc);
    const validate = compileValidator(desc.typeName);
    fc.assert(
      fc.property(anyMessage(desc), (given) => {
        const bytes = codec.encode(given).finish();
        assert.deepEqual(asText(validate(codec.decode(bytes))), asText(expected(desc, bytes)));
      }),
      { numRuns: RUNS },
    );
  });
}

test("generated messages are valid often enough, and break every rule that proto/ uses", () => {
  const broken = new Set<string>();
  for (const desc of requestTypes()) {
    const validate = compileValidator(desc.typeName);
    // A fixed seed: this tests the generator above, and must not depend on chance.
    const found = fc.sample(anyMessage(desc), { numRuns: 2 * RUNS, seed: 1 }).map((given) => validate(given));
    const valid = found.filter((v) => v.length === 0).length;
    // One without fields is always valid.
    const most = desc.fields.length === 0 ? 2 * RUNS : 2 * RUNS - 1;
    assert.ok(valid > RUNS / 5 && valid <= most, `${desc.name}: ${valid} valid`);
    for (const violation of found.flat()) {
      broken.add(violation.rule);
      assert.doesNotMatch(violation.message, /[\^$]/, "a caller reads words, and no regular expression");
    }
  }
  // biome-ignore format: one list
  assert.deepEqual([...broken].sort(), ["bytes.len", "cancel.what", "content.present", "double.gte", "double.gte_lte", "email.body", "endpoint.apns", "enum.defined_only", "enum.not_in", "int32.gte", "int32.gte_lte", "int64.gte", "int64.gte_lte", "live_activity.attributes", "live_activity.content_state", "live_activity.dismissal_date", "map.max_pairs", "push.background", "push.content", "push.kind", "push.localized", "repeated.max_items", "repeated.min_items", "repeated.unique", "required", "sms.content", "string.max_bytes", "string.max_len", "string.min_len", "string.pattern"]);
});
