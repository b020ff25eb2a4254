import assert from "node:assert/strict";
import { test } from "node:test";
import type { UpdatePreferencesRequest } from "../gen/carillon/v1/preference_service.ts";
import { callError, isCallError } from "../runtime/call-error.ts";
import { sampleApp } from "../test/support/store/samples.ts";
import type { Tombstones } from "./erasure/tombstones.ts";
import { createPreferenceForwardHandlers, type PreferencesClient } from "./preference-handlers.ts";

const request = (evidence: string): UpdatePreferencesRequest => ({
  subject: { subject: { $case: "userId", value: "ada" } },
  ...{ optOut: [], optIn: [], consent: [{ channel: 0, category: "news", until: undefined }] },
  origin: { actor: "", source: "form", evidence },
});

test("refusals of an erased user are kept until a consent with evidence is stored", async () => {
  let isAway = true;
  const calls: string[] = [];
  const updatePreferences: PreferencesClient["updatePreferences"] = async () => {
    calls.push("update");
    return isAway ? callError("UNAVAILABLE", "UNAVAILABLE", "the store is away") : { optOuts: [], version: 1, consents: [], blocks: [] };
  };
  const tombstones: Tombstones = {
    restore: async () => {},
    async check() {
      calls.push("check");
      return undefined;
    },
    settle: async () => void calls.push("settle"),
  };
  const clock = { now: () => 0 };
  const handlers = createPreferenceForwardHandlers({ updatePreferences } as unknown as PreferencesClient, clock, undefined, tombstones);
  const signal = new AbortController().signal;
  const update = async (evidence: string) => {
    calls.length = 0;
    await handlers.updatePreferences(request(evidence), { caller: sampleApp(), signal, deadlineAt: 1 } as never);
    return [...calls];
  };
  assert.deepEqual(await update("form 12"), ["check", "update"]);
  isAway = false;
  assert.deepEqual(await update("form 12"), ["check", "update", "settle"]);
  assert.deepEqual(await update(""), ["check", "update"]);
});

test("a consent to what the same request opts out of is an error, unless the opt-out ends", async () => {
  const updatePreferences: PreferencesClient["updatePreferences"] = async () => ({ optOuts: [], version: 1, consents: [], blocks: [] });
  const handlers = createPreferenceForwardHandlers({ updatePreferences } as unknown as PreferencesClient, { now: () => 0 });
  const context = { caller: sampleApp(), signal: new AbortController().signal, deadlineAt: 1 } as never;
  const consent: UpdatePreferencesRequest["consent"] = [
    { channel: 4, category: "news", until: undefined },
    { channel: 0, category: "", until: undefined },
  ];
  const fieldsOf = async (optOut: UpdatePreferencesRequest["optOut"]) => {
    const answer = await handlers.updatePreferences({ ...request("form 12"), consent, optOut }, context);
    return isCallError(answer) ? answer.fields?.map(({ field }) => field) : "stored";
  };
  assert.deepEqual(await fieldsOf([{ channel: 0, category: "", until: undefined }]), ["consent[1]"]);
  assert.deepEqual(await fieldsOf([{ channel: 4, category: "news", until: undefined }]), ["consent[0]"]);
  assert.deepEqual(await fieldsOf([{ channel: 4, category: "news", until: new Date(5) }]), "stored");
  assert.deepEqual(await fieldsOf([{ channel: 5, category: "news", until: undefined }]), "stored");
});
