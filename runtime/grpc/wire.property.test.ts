import assert from "node:assert/strict";
import { test } from "node:test";
import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { anyMessage, codecOf, requestTypes } from "../../test/support/any-request.ts";
import { compileWirePass } from "./wire.ts";

/** Messages made for each request type and property. */
const RUNS = 300;
/** A batch's items are judged one by one; here the batch is judged as a whole. */
const passOf = (desc: DescMessage) => compileWirePass(desc.typeName);

for (const desc of requestTypes()) {
  test(`finds nothing in a ${desc.name} that any encoder makes, and changes none of its bytes`, () => {
    const pass = passOf(desc);
    fc.assert(
      fc.property(anyMessage(desc), (given) => {
        const bytes = codecOf(desc).encode(given).finish();
        const before = Buffer.from(bytes);
        const found = pass(bytes);
        assert.ok(found.kind === "read" && found.violations.length === 0, JSON.stringify(found));
        assert.ok(before.equals(bytes));
      }),
      { numRuns: RUNS },
    );
  });
}

// --- Bytes that no encoder makes. ---

const bytesOf = (desc: DescMessage): fc.Arbitrary<Uint8Array> => anyMessage(desc).map((given) => codecOf(desc).encode(given).finish());

/** A valid message with bytes changed, dropped, repeated or put in: near enough to be decoded for a while. */
const spoilt = (desc: DescMessage): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(
      bytesOf(desc),
      fc.array(
        fc.record({ at: fc.nat(), length: fc.integer({ min: 1, max: 12 }), put: fc.uint8Array({ maxLength: 12 }), how: fc.nat(3) }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
    )
    .map(([bytes, changes]) => {
      let text = Buffer.from(bytes);
      for (const { at, length, put, how } of changes) {
        const from = text.length === 0 ? 0 : at % text.length;
        const [before, piece, rest] = [text.subarray(0, from), text.subarray(from, from + length), text.subarray(from + length)];
        text = Buffer.concat([before, ...[[put], [piece, put], [piece, piece], [put, piece.subarray(put.length)]][how]!, rest]);
      }
      return text;
    });

for (const desc of requestTypes()) {
  test(`what it lets through of a ${desc.name} is decoded alike by two libraries; nothing throws`, () => {
    const pass = passOf(desc);
    let through = 0;
    fc.assert(
      fc.property(fc.oneof({ weight: 3, arbitrary: spoilt(desc) }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) }), (bytes) => {
        const found = pass(Buffer.from(bytes));
        if (found.kind !== "read" || found.violations.length > 0) return;
        through++;
        const theirs = toBinary(desc, fromBinary(desc, bytes), { writeUnknownFields: false });
        const { decode } = codecOf(desc);
        assert.deepEqual(decode(bytes), decode(theirs));
      }),
      { numRuns: RUNS * 3 },
    );
    assert.ok(through > 0);
  });
}
