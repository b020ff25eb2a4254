import assert from "node:assert/strict";
import { test } from "node:test";
import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { readConfig } from "../../runtime/config.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { UnreachableError } from "../unreachable.ts";
import { asOperatorError, rejection } from "./api-fault.ts";
import { subjectsOverlap } from "./settings.ts";
import { streamVariables } from "./stream-variables.ts";

test("subjects overlap where one name could match both", () => {
  const cases: [string, string, boolean][] = [
    ["a.b.*", "a.b.c", true],
    ["a.b.*", "a.b.*", true],
    ["a.*.c", "a.b.*", true],
    ["a.>", "a.b.c", true],
    [">", "a", true],
    ["a.b.>", "a.b", false],
    ["a.b", "a.b.c", false],
    ["a.b.c", "a.x.*", false],
    ["a.*.x", "a.b.y", false],
  ];
  for (const [a, b, overlap] of cases) {
    assert.equal(subjectsOverlap(a, b), overlap, `${a} ${b}`);
    assert.equal(subjectsOverlap(b, a), overlap, `${b} ${a}`);
  }
});

test("a server's rejection is reported as the setting to change", () => {
  const config = readConfig(streamVariables, { NATS_REPLICAS: "3" });
  const cases: [code: number, setting: string][] = [
    [10005, "NATS_REPLICAS"],
    [10074, "NATS_REPLICAS"],
    [10023, "NATS_STREAM_BYTES_MAX"],
    [10047, "NATS_STREAM_BYTES_MAX"],
    [10121, "NATS_ACK_PENDING_MAX"],
    [10028, "the account's limit of streams"],
    [10099, "stream X"],
  ];
  for (const [code, setting] of cases) {
    const danger = rejection(new JetStreamApiError({ code: 400, err_code: code, description: "the server's words" }), "stream X", config);
    assert.equal(danger.setting, setting);
    assert.match(danger.why, /stream X is rejected: the server's words/);
  }
});

test("a server that does not answer is reported as unreachable, and an error of Carillon's is rethrown", () => {
  const fault = asOperatorError(new errors.TimeoutError(), "127.0.0.1:4222");
  assert.ok(fault instanceof UnreachableError);
  assert.match(fault.message, /JetStream cannot be reached at 127\.0\.0\.1:4222 \(timeout\)/);
  const own = new OperatorError("as it is");
  assert.equal(asOperatorError(own, "x"), own);
  assert.throws(() => asOperatorError(new TypeError("ours"), "x"), TypeError);
});
