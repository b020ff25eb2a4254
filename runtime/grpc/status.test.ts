import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { QuotaFailure } from "../../gen/google/rpc/error_details.ts";
import { Status } from "../../gen/google/rpc/status.ts";
import { callError, codeNumber, invalidRequest, isCallError } from "../call-error.ts";
import { readDetails, toServiceError } from "./status.ts";

const violation = (n: number) => ({ field: `notifications[${n}].category`, rule: "string.pattern", message: "must match ^[a-z]+$" });

test("a client reads back the reason, the fields and the retry delay", () => {
  const details = callError("RESOURCE_EXHAUSTED", "OVERLOADED", "too fast", { fields: [violation(0)], retryAfterMs: 1_250 });
  assert.deepEqual(readDetails(toServiceError(details)), {
    code: status.RESOURCE_EXHAUSTED,
    message: "too fast",
    reason: "OVERLOADED",
    fields: [violation(0)],
    fieldsLeftOut: 0,
    retryAfterMs: 1_250,
  });
});

test("the message of an invalid request names the first field, and none where the rule is on the whole request", () => {
  const whole = { field: "", rule: "cancel.what", message: "give exactly one" };
  assert.equal(invalidRequest([violation(0), whole]).message, "notifications[0].category: must match ^[a-z]+$ (and 1 more)");
  assert.equal(invalidRequest([whole]).message, "give exactly one");
});

test("the limit of an app that was reached is a QuotaFailure", () => {
  const quota = { subject: "app:shop", description: "limit: 10 notifications per second" };
  const error = toServiceError(callError("RESOURCE_EXHAUSTED", "RATE_LIMITED", "too fast", { retryAfterMs: 1_000, quota }));
  const { details } = Status.decode(error.metadata.get("grpc-status-details-bin")[0] as Buffer);
  const failure = details.find(({ typeUrl }) => typeUrl === "type.googleapis.com/google.rpc.QuotaFailure");
  const [violation] = QuotaFailure.decode(failure!.value).violations;
  assert.deepEqual([violation?.subject, violation?.description], [quota.subject, quota.description]);
  assert.equal(readDetails(error).retryAfterMs, 1_000);
});

test("at most 25 fields are returned, with the number left out", () => {
  const fields = Array.from({ length: 1_000 }, (_, n) => violation(n));
  const read = readDetails(toServiceError(callError("INVALID_ARGUMENT", "INVALID_FIELD", "wrong", { fields })));
  assert.deepEqual(read.fields, fields.slice(0, 25));
  assert.equal(read.fieldsLeftOut, 975);
});

test("a long rule is cut, and its field named all the same", () => {
  const fields = [{ ...violation(0), message: "😀".repeat(5_000) }];
  const { fields: read, fieldsLeftOut } = readDetails(toServiceError(callError("INVALID_ARGUMENT", "INVALID_FIELD", "wrong", { fields })));
  assert.deepEqual([read[0]?.field, read[0]?.message, fieldsLeftOut], [fields[0]?.field, "😀".repeat(750), 0]);
});

test("details stay below 4 kB, however long the fields' names are", () => {
  for (const character of ["x", "é", "😀"]) {
    for (const length of [1, 90, 100, 130, 10_000]) {
      const fields = Array.from({ length: 30 }, () => ({
        field: `data["${character.repeat(length)}"]`,
        rule: "string.max_len",
        message: "must be at most 64",
      }));
      const error = toServiceError(callError("INVALID_ARGUMENT", "INVALID_FIELD", "ü".repeat(2_000), { fields }));
      const bytes = error.metadata.get("grpc-status-details-bin")[0] as Buffer;
      assert.ok(bytes.length <= 4_096, `${bytes.length} bytes`);
      const read = readDetails(error);
      assert.equal(read.fields.length + read.fieldsLeftOut, 30);
      assert.ok(read.fields.length > 0);
    }
  }
});

test("a message and a path are cut between characters: grpc-js throws for half of one, outside of every handler", () => {
  for (const before of ["", "x"]) {
    const field = `data["${before}${"😀".repeat(400)}"]`;
    for (const error of [
      invalidRequest([{ field, rule: "r", message: "m" }]),
      callError("INTERNAL", "INTERNAL", before + "😀".repeat(400)),
    ]) {
      const sent = toServiceError(error);
      assert.ok(decodeURI(encodeURI(sent.message)).startsWith(sent.message.slice(0, 20)));
      assert.ok(!sent.message.includes("\ufffd"), sent.message);
    }
    const [violation] = readDetails(toServiceError(invalidRequest([{ field, rule: "r", message: "m" }]))).fields;
    assert.match(violation?.field ?? "", /^data\["x?(😀)+$/u);
  }
});

test("a path that a caller made long hides neither the rule nor other paths", () => {
  const fields = [0, 1].map((n) => ({ field: `data["${"k".repeat(100_000)}${n}"]`, rule: "r", message: "must be short" }));
  const { message, fields: cut } = invalidRequest(fields);
  assert.match(message, /^data\["k+: must be short \(and 1 more\)$/);
  assert.ok(message.length < 300 && cut?.every(({ field }) => field.length === 200));
});

test("statuses of other servers are read as far as possible", () => {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from([0xff, 0xff, 0x01]));
  assert.deepEqual(readDetails({ code: status.UNAVAILABLE, details: "no connection", metadata }), {
    code: status.UNAVAILABLE,
    message: "no connection",
    reason: undefined,
    fields: [],
    fieldsLeftOut: 0,
    retryAfterMs: undefined,
  });
  for (const odd of [undefined, null, "text", 3, new Error("x"), {}]) assert.equal(readDetails(odd).code, status.UNKNOWN);
});

test("codes have gRPC's numbers", () => {
  const names = Object.keys(status).filter((name) => name !== "OK" && Number.isNaN(Number(name))) as Parameters<typeof callError>[0][];
  assert.equal(names.length, 16);
  for (const name of names) assert.equal(codeNumber(name), status[name]);
});

test("a call error is distinguished from anything else", () => {
  assert.equal(isCallError(callError("NOT_FOUND", "NOT_FOUND", "no such notification")), true);
  for (const other of [undefined, null, {}, { kind: "accepted" }, new Error("x")]) assert.equal(isCallError(other), false);
});
