import assert from "node:assert/strict";
import { RICH_SMS_FIELDS, type SmsContent } from "../../core/content/sms-content.ts";
import type { Outcome } from "../../core/delivery/outcome.ts";
import { readConfig } from "../../runtime/config.ts";
import type { Sandbox } from "../../sandbox/main.ts";
import { SAMPLE_NOW, sampleSms } from "../../test/support/delivery-samples.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { withSandbox } from "../../test/support/with-sandbox.ts";
import { twilioVariables } from "../twilio/config.ts";
import { createTwilioProvider } from "../twilio/provider.ts";
import { vonageVariables } from "../vonage/config.ts";
import { createVonageProvider } from "../vonage/provider.ts";
import { placesOf } from "./row.ts";
import { ROW_SENDERS, SMS_ROWS } from "./sms.ts";

const parts = { clock: createFakeClock(SAMPLE_NOW), attribute: async () => false };
const PROVIDERS = {
  twilio: (env: Record<string, string>) =>
    createTwilioProvider(readConfig(twilioVariables, { ...env, TWILIO_SENDERS: ROW_SENDERS.twilio }), parts),
  vonage: (env: Record<string, string>) =>
    createVonageProvider(readConfig(vonageVariables, { ...env, VONAGE_SENDERS: ROW_SENDERS.vonage }), parts),
};
/** Rejected without a call: never sent by this provider. */
const isBarred = (outcome: Outcome) => outcome.kind === "rejected" && outcome.notCalled === true;

/** What arrived of a text, without what differs from one send to the next; undefined: nothing was sent. */
async function arrivalOf(sandbox: Sandbox, name: keyof typeof PROVIDERS, sms: SmsContent | undefined) {
  await using provider = PROVIDERS[name](sandbox.env);
  const delivery = sampleSms({ sms: sms ?? {} });
  const outcome = await provider.send(delivery, AbortSignal.timeout(10_000));
  const [entry] = sandbox.ledger.entries({ deliveryId: delivery.deliveryId });
  if (isBarred(outcome)) return assert.equal(entry, undefined);
  assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
  const { "client-ref": _ref, StatusCallback: _callback, ...payload } = entry!.payload as Record<string, unknown>;
  return payload;
}

withSandbox("an SMS at its providers", (test) => {
  for (const { field, content, arrives } of SMS_ROWS)
    for (const name of ["twilio", "vonage"] as const)
      test(`${field} arrives at ${name} where the table says`, async (sandbox) => {
        const { [name]: arrival } = arrives;
        const payload = await arrivalOf(sandbox, name, content.sms);
        for (const { path, value } of placesOf(arrival)) assert.equal(String(payload?.[path]), String(value));
        if (!("not" in arrival)) return;
        // Nothing at all, or all but it.
        const without = arrival.not.startsWith("never sent") ? undefined : await arrivalOf(sandbox, name, { text: content.sms!.text });
        assert.deepEqual(payload, without);
      });

  test("every field has a row", async () => {
    const fields = ["text", ...RICH_SMS_FIELDS.filter((name) => name !== "overrides"), "overrides.twilio", "overrides.vonage"];
    const spelled = fields.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    assert.deepEqual(SMS_ROWS.map(({ field }) => field).toSorted(), spelled.toSorted());
  });
});
