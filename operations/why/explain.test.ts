import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeliveryState } from "../../core/delivery/notification.ts";
import { REASON_CODES } from "../../core/delivery/reason.ts";
import { REASON_WORDS } from "../../core/delivery/reason-words.ts";
import { explain, waitingWords } from "./explain.ts";

const STATES: readonly DeliveryState[] = ["pending", "uncertain", "suppressed", "expired", "cancelled", "failed", "sent", "delivered"];

test("every reason is told in every state that it goes with, with and without a detail, as plain sentences that name no other state", () => {
  for (const code of REASON_CODES)
    for (const state of STATES.filter((one) => REASON_WORDS[code].states.split(", ").includes(one)))
      for (const detail of [undefined, "$& x-1"]) {
        const { means, advice } = explain({ code, ...(detail && { detail }) }, state);
        for (const words of [means, advice]) {
          assert.match(words, /^[A-Z].*\.$/, `${code} ${state}`);
          assert.doesNotMatch(words, /[{}|%`]|\bdetail\b|(Pending|In doubt|Expired|Failed|Suppressed): /, `${code} ${state}`);
        }
      }
});

test("what waits for a pause is told otherwise than what expired in one, and both name what was paused", () => {
  const reason = { code: "paused", detail: "channel:sms" } as const;
  const [pending, expired] = [explain(reason, "pending"), explain(reason, "expired")];
  assert.match(pending.means, /^An operator has paused or drained channel:sms, so it waits /);
  assert.match(pending.advice, /carillon resume channel:sms; it goes out within seconds\.$/);
  assert.match(expired.means, /^An operator had paused or drained channel:sms until expires_at passed; nothing was sent\.$/);
  assert.doesNotMatch(expired.advice, /resume|goes out/);
  assert.equal(waitingWords(reason), "An operator has paused or drained channel:sms, so it waits");
});

test("what waits for a circuit is told with what the provider answered", () => {
  const { means, advice } = explain({ code: "misconfigured", detail: "circuit open: region-not-enabled" }, "pending");
  assert.equal(means, "The provider rejected our credentials or settings; nothing was sent.");
  assert.match(advice, /configuration: region-not-enabled\. It is retried until it expires\.$/);
});
