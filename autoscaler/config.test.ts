import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SCALING_DEFAULTS } from "../core/scaling/scaling.ts";
import { ConfigError, readConfig } from "../runtime/config.ts";
import { autoscalerVariables, parseScalings } from "./config.ts";

test("the file's settings of a channel override the defaults", () => {
  const given = { sms: { targetRatePerPod: 12.5, rateLimitPerSecond: 100, drainMs: 90_000, maxAgeMs: null }, email: {} };
  assert.deepEqual(parseScalings(JSON.stringify(given)), {
    ...SCALING_DEFAULTS,
    sms: { ...SCALING_DEFAULTS.sms, targetRatePerPod: 12.5, rateLimitPerSecond: 100, drainMs: 90_000 },
  });
  assert.deepEqual(parseScalings("{}"), SCALING_DEFAULTS);
});

const WRONG: readonly [json: string, why: RegExp][] = [
  ["", /must hold JSON/],
  ["[]", /the file must be a JSON object/],
  ['{"fax":{}}', /may name apns, fcm, webpush, sms, email/],
  ['{"sms":5}', /sms must be a JSON object/],
  ['{"sms":{"drain":5}}', /sms may hold targetRatePerPod, drainMs/],
  ['{"sms":{"toString":5}}', /another setting/],
  ['{"sms":{"targetRatePerPod":0}}', /sms\.targetRatePerPod must be a number from 0\.01/],
  ['{"sms":{"targetRatePerPod":"32"}}', /sms\.targetRatePerPod must be a number/],
  ['{"sms":{"maxReplicas":2.5}}', /sms\.maxReplicas must be an integer from 1 to 10000/],
  ['{"sms":{"minReplicas":9,"maxReplicas":8}}', /sms\.maxReplicas must not be below minReplicas/],
];
for (const [json, why] of WRONG)
  test(`is rejected with its rule: ${json || "an empty file"}`, () => {
    assert.throws(() => parseScalings(json), why);
  });

test("a file that cannot be used is named by its variable, with every other mistake", async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), "carillon-channels-"));
  const path = join(directory.path, "channels.json");
  writeFileSync(path, '{"sms":{"drainMs":-1}}');
  const faults = (env: Record<string, string>) => {
    try {
      readConfig(autoscalerVariables, env);
    } catch (error) {
      if (error instanceof ConfigError) return error.faults.join("\n");
      throw error;
    }
    return assert.fail("it was accepted");
  };
  assert.match(
    faults({ AUTOSCALER_CHANNELS_FILE: path, AUTOSCALER_SAMPLE_MS: "1" }),
    /CHANNELS_FILE: sms\.drainMs must .*\n.*SAMPLE_MS: must/s,
  );
  assert.match(faults({ AUTOSCALER_CHANNELS_FILE: join(directory.path, "none") }), /cannot be read \(ENOENT\)/);
  assert.equal(readConfig(autoscalerVariables, {}).AUTOSCALER_CHANNELS_FILE, SCALING_DEFAULTS);
});
