import assert from "node:assert/strict";
import { test } from "node:test";
import type { OpenCircuit } from "../../operations/status/circuits.ts";
import type { DrainReport } from "../../operations/steering/drain.ts";
import { drainText, pauseText } from "./report.ts";

const target = { kind: "account", value: "twilio" } as const;
const order = { target, state: "paused", actor: "bob\u001b[2J", reason: "his", at: 0 } as const;
const circuit: OpenCircuit = {
  ...{ channel: "sms", account: "vonage/default", part: "account", state: "open", since: 0, until: 60_000 },
  reason: { code: "misconfigured", detail: "no-credit" },
};
const REPORT: DrainReport = {
  ...{ done: false, target, moved: [{ app: "shop", from: "twilio/eu", to: "vonage/default" }] },
  ...{ waits: { circuits: [circuit], orders: [] }, replaced: [order] },
};

test("a drain that was not done names each thing that has to be accepted, with its option", () => {
  assert.deepEqual(drainText(REPORT, "twilio", "vonage").split("\n"), [
    "nothing was changed",
    "deliveries would wait (--accept-waiting drains all the same):",
    "  the circuit of vonage/default opened at 1970-01-01T00:00:00.000Z (misconfigured: no-credit), and the next probe is at 1970-01-01T00:01:00.000Z",
    "these apps would send by an account of another name (--change-accounts does it):",
    "  shop: twilio/eu becomes vonage/default",
    "another order stands (--replace gives this one all the same; what it replaces does not come back by itself):",
    "  account:twilio is paused, ordered by bob [2J at 1970-01-01T00:00:00.000Z (reason: his)",
  ]);
});

test("a drain that was done says what was gone over, and what could not be checked", () => {
  const waits = { circuits: [], orders: [], circuitsUnread: "REDIS_URL is not set" };
  assert.deepEqual(
    drainText({ ...REPORT, done: true, waits }, "twilio", "vonage")
      .split("\n")
      .slice(1),
    [
      "  shop: twilio/eu becomes vonage/default",
      "  account:twilio was paused, ordered by bob [2J at 1970-01-01T00:00:00.000Z (reason: his)",
      "which circuits are open could not be checked: REDIS_URL is not set",
    ],
  );
});

test("a pause that was done says what it replaced, and one that was not what stands", () => {
  const words = "ordered by bob [2J at 1970-01-01T00:00:00.000Z (reason: his)";
  const done = pauseText({ done: true, target, record: { ...order, actor: "ada" }, replaced: [order] }).split("\n");
  assert.equal(done.at(-1), `account:twilio was paused, ${words}`);
  assert.equal(
    pauseText({ done: false, target, replaced: [order] })
      .split("\n")
      .at(-1),
    `  account:twilio is paused, ${words}`,
  );
});
