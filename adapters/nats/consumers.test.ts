// Each dangerous setting of a consumer is applied to a real server, and then a start is tried.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ConsumerConfig } from "@nats-io/jetstream";
import { CLASSES } from "../../core/delivery/channel.ts";
import type { Version } from "../../runtime/version.ts";
import { CRITICAL, config, ensure, HOUR_NS, jsm, lines, putStream, rejects, STREAM, tooOld } from "../../test/support/nats-settings.ts";
import { wantedConsumer } from "./consumer-settings.ts";

const putConsumer = async (over: Partial<ConsumerConfig>) => {
  await putStream({});
  return (
    await jsm.consumers.add(
      STREAM,
      Object.assign({ ...wantedConsumer("sms", "critical", config) }, over.filter_subject ? { filter_subjects: undefined } : {}, over),
    )
  ).config;
};

const FILTERS = ["carillon.sms.critical", "carillon.sms.critical.*"];
const CONSUMERS: readonly [setting: keyof ConsumerConfig, over: Partial<ConsumerConfig>, becomes: unknown, since?: Version][] = [
  ["ack_wait", { ack_wait: 1_000_000_000 }, 60_000_000_000],
  ["max_deliver", { max_deliver: 3 }, -1],
  ["max_ack_pending", { max_ack_pending: 1 }, 10_000],
  // As versions before 0.1.0 made it.
  ["filter_subject", { filter_subject: "carillon.sms.critical" }, undefined],
  ["filter_subject", { filter_subject: "carillon.sms.other" }, undefined],
  ["filter_subjects", { filter_subjects: ["carillon.sms.critical", "carillon.sms.other"] }, FILTERS],
  ["backoff", { backoff: [1_000_000_000, 2_000_000_000], max_deliver: 5 }, undefined],
  ["headers_only", { headers_only: true }, undefined],
  ["inactive_threshold", { inactive_threshold: HOUR_NS }, undefined],
  ["max_batch", { max_batch: 1 }, undefined],
  ["max_expires", { max_expires: 1_000_000_000 }, undefined],
  ["max_bytes", { max_bytes: 5 }, undefined],
  ["num_replicas", { num_replicas: 1 }, undefined],
];

describe("what a server lets one change in a consumer is set right, the rest is rejected", () => {
  for (const [setting, over, becomes, since] of CONSUMERS)
    test(setting, async (t) => {
      const why = tooOld(since);
      if (why) return t.skip(why);
      assert.notDeepEqual((await putConsumer(over))[setting], becomes, "the case is on the server");
      await ensure();
      const mended = (await jsm.consumers.info(STREAM, CRITICAL)).config;
      assert.deepEqual(mended[setting] || undefined, becomes);
      assert.deepEqual(mended.filter_subjects, FILTERS);
    });

  test("a push consumer", async () => {
    await putConsumer({ deliver_subject: "pushed" });
    await rejects(/consumer sms-critical of CARILLON_SMS, deliver_subject is pushed.*nats consumer rm CARILLON_SMS sms-critical/);
  });

  test("a consumer that replays slowly", async () => {
    await putConsumer({ replay_policy: "original" });
    await rejects(/consumer sms-critical of CARILLON_SMS, replay_policy is original/);
  });

  test("a consumer for one client at a time", async (t) => {
    const why = tooOld([2, 11, 0]);
    if (why) return t.skip(why);
    await putConsumer({ priority_groups: ["g"], priority_policy: "pinned_client" });
    await rejects(/consumer sms-critical of CARILLON_SMS, priority_policy is pinned_client/);
  });
});

describe("consumers of others", () => {
  for (const filter of [undefined, "carillon.sms.*", "carillon.>", "carillon.sms.critical"])
    test(`one that takes ${filter ?? "everything"} is rejected by its name`, async () => {
      await putStream({});
      await jsm.consumers.add(STREAM, { durable_name: "theirs", ack_policy: "explicit", ...(filter ? { filter_subject: filter } : {}) });
      await rejects(/consumer theirs of CARILLON_SMS.*not a consumer of Carillon.*nats consumer rm CARILLON_SMS theirs/);
      await jsm.consumers.delete(STREAM, "theirs");
      await ensure();
      assert.equal((await jsm.streams.info(STREAM)).state.consumer_count, CLASSES.length);
    });

  test("a consumer that matches no task of Carillon is allowed: a later version may have more classes", async () => {
    await putStream({});
    await jsm.consumers.add(STREAM, { durable_name: "theirs", ack_policy: "explicit", filter_subject: "carillon.sms.later" });
    await ensure();
  });
});

test("a paused consumer is an operator's decision: the start continues and logs it", async (t) => {
  const why = tooOld([2, 11, 0]);
  if (why) return t.skip(why);
  await ensure();
  await jsm.consumers.pause(STREAM, CRITICAL, new Date(Date.now() + 60_000));
  lines.length = 0;
  // The correction of another setting must not end the pause.
  await ensure({ NATS_ACK_WAIT_MS: "70000" });
  assert.match(lines.join(""), /"consumer":"sms-critical".*consumer is paused/);
  const { config, paused } = await jsm.consumers.info(STREAM, CRITICAL);
  assert.deepEqual([paused, config.ack_wait], [true, 70_000_000_000]);
});
