// gen/openapi.json is valid OpenAPI 3.1, and rejects nothing that the gateway accepts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary, toJson } from "@bufbuild/protobuf";
import { Validator } from "@seriousme/openapi-schema-validator";
import fc from "fast-check";
import { descriptors } from "../../runtime/grpc/descriptors.ts";
import { compileValidator } from "../../runtime/grpc/validate.ts";
import { anyMessage, codecOf, requestTypes } from "../support/any-request.ts";
import { apiSchemas } from "../support/api-schemas.ts";

const document: Record<string, unknown> = JSON.parse(readFileSync(join(import.meta.dirname, "../../gen/openapi.json"), "utf8"));

test("the document is valid OpenAPI 3.1, and names each operation once", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert.ok(valid, JSON.stringify(errors));
  const paths = Object.values(document.paths as Record<string, Record<string, { operationId: string; security?: unknown }>>);
  const ids = paths.flatMap((item) => Object.values(item).map(({ operationId }) => operationId));
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(document.security, [{ apiKey: [] }]);
});

test("what the rules in proto/ let through, the document lets through; and it finds much of what they do not", () => {
  const schemas = apiSchemas(document);
  const paths = Object.keys(document.paths as object);
  let [valid, invalid, found] = [0, 0, 0];
  for (const desc of requestTypes()) {
    if (!paths.some((path) => path.endsWith(`/${desc.name.replace(/Request$/, "")}`))) continue;
    const judge = schemas.message(desc.name);
    const check = compileValidator(desc.typeName);
    const { encode, decode } = codecOf(desc);
    const property = fc.property(anyMessage(desc), (given) => {
      const bytes = encode(given).finish();
      let json: unknown;
      try {
        json = toJson(desc, fromBinary(desc, bytes), { registry: descriptors() });
      } catch {
        return;
      }
      const faults = judge(json);
      if (check(decode(bytes)).length > 0) {
        invalid++;
        if (faults.length > 0) found++;
      } else {
        valid++;
        assert.deepEqual(faults, [], JSON.stringify(json));
      }
    });
    fc.assert(property, { numRuns: 60, seed: 16 });
  }
  assert.ok(valid > 200 && invalid > 200 && found > invalid / 2, `${valid} valid, ${invalid} invalid, of which it finds ${found}`);
});
