import type { Sandbox } from "../../sandbox/main.ts";

/** What numbers of Korean mobiles begin with. */
export const KOREAN = "+8210";
const REGION = { status: 400, code: 21408, message: "Permission to send an SMS has not been enabled for the region" };
/** Vonage: status 9 of "SMS API: SMS errors". */
const NO_CREDIT = { "message-count": "1", messages: [{ status: "9", "error-text": "Partner quota violation" }] };
/** More than any test sends. */
const ALWAYS = 1_000_000;

/** Twilio rejects texts to Korea. Vonage, which would take over by itself, has no credit left and rejects all, so that they wait. */
export function rejectKorea({ faults }: Pick<Sandbox, "faults">) {
  const twilio = faults.order({ provider: "twilio", match: KOREAN, times: ALWAYS, do: { kind: "answer", status: 400, body: REGION } });
  const vonage = faults.order({
    ...{ provider: "vonage", times: ALWAYS },
    do: { kind: "answer", status: 200, body: NO_CREDIT, accepted: false },
  });
  return { enableKorea: () => faults.clear(twilio), topUpVonage: () => faults.clear(vonage) };
}
