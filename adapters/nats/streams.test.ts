// Each dangerous setting of a stream is applied to a real server, and then a start is tried.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jetstream, type StreamConfig, type StreamUpdateConfig } from "@nats-io/jetstream";
import { ProxyTracerProvider } from "@opentelemetry/api";
import { CLASSES } from "../../core/delivery/channel.ts";
import { taskSubject } from "../../core/delivery/subjects.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import type { Version } from "../../runtime/version.ts";
import { addStream } from "../../test/support/add-stream.ts";
import { eventually } from "../../test/support/eventually.ts";
import { config, ensure, HOUR_NS, jsm, lines, log, nats, putStream, rejects, STREAM, tooOld } from "../../test/support/nats-settings.ts";
import { consumeTasks } from "./consume.ts";
import { wantedStream } from "./stream-settings.ts";
import { streamVariables } from "./streams.ts";

const LASTING: readonly [setting: string, value: string, over: Partial<StreamConfig>, since?: Version][] = [
  ["retention", "limits", { retention: "limits" }],
  ["retention", "interest", { retention: "interest" }],
  ["storage", "memory", { storage: "memory" }],
  ["persist_mode", "async", { persist_mode: "async" }, [2, 12, 0]],
  ["deny_delete", "true", { deny_delete: true }],
  ["deny_purge", "true", { deny_purge: true }],
  ["sources", '\\[.*"OTHER"', { sources: [{ name: "OTHER" }] }],
  ["subject_transform", "{.*elsewhere", { subject_transform: { src: "carillon.sms.*", dest: "elsewhere.{{wildcard(1)}}" } }, [2, 10, 0]],
];

describe("a stream that a start cannot set right is rejected, with the setting, its value and the fix", () => {
  for (const [setting, value, over, since] of LASTING)
    test(`${setting} ${value}`, async (t) => {
      const why = tooOld(since);
      if (why) return t.skip(why);
      await putStream(over);
      const before = (await jsm.streams.info(STREAM)).config;
      await rejects(new RegExp(`stream ${STREAM}, ${setting} is ${value}.*; delete it \\(nats stream rm ${STREAM}\\)`));
      assert.deepEqual((await jsm.streams.info(STREAM)).config, before, "it is left as it was");
    });

  test("sealed", async () => {
    await putStream({});
    await jsm.streams.update(STREAM, { sealed: true } as Partial<StreamUpdateConfig>);
    await rejects(/sealed is true: it takes no task/);
  });

  test("a mirror of another stream", async () => {
    await addStream(jsm, { name: STREAM, mirror: { name: "OTHER" } });
    const error = await rejects(/mirror is {.*OTHER/);
    assert.ok(
      error.dangers.some((d) => d.setting.endsWith("retention")),
      "the other danger is reported too",
    );
    assert.match(error.message, /\d dangerous settings\n/);
  });

  test("subjects of another stream, by its name", async () => {
    await jsm.streams.add({ name: "UNRELATED", subjects: ["carillon.other.*"] });
    await jsm.streams.add({ name: "EVERYTHING", subjects: ["before", "carillon.sms.>"] });
    const { dangers } = await rejects(/stream EVERYTHING, subjects is \["before","carillon\.sms\.>"\].*nats stream edit EVERYTHING/);
    assert.equal(dangers.length, 1);
  });

  test("more replicas than servers", async () => {
    await rejects(/NATS_REPLICAS is 3.*NATS_REPLICAS=1|num_replicas is 3 on a server outside any cluster/, ensure({ NATS_REPLICAS: "3" }));
  });

  test("more replicas than servers, of an existing stream", async () => {
    await ensure();
    await rejects(/NATS_REPLICAS is 3.*NATS_REPLICAS=1|num_replicas is 3 on a server outside any cluster/, ensure({ NATS_REPLICAS: "3" }));
  });

  test("after the fix from the message, a start creates the stream again", async () => {
    await putStream({ retention: "limits" });
    await rejects(/nats stream rm CARILLON_SMS/);
    await jsm.streams.delete(STREAM);
    await ensure();
    assert.equal((await jsm.streams.info(STREAM)).config.retention, "workqueue");
  });
});

const MENDED: readonly [setting: keyof StreamConfig, over: Partial<StreamConfig>, becomes: unknown, since?: Version][] = [
  ["discard", { discard: "old" }, "new"],
  ["max_age", { max_age: HOUR_NS }, 0],
  ["max_msgs", { max_msgs: 10 }, -1],
  ["max_msgs_per_subject", { max_msgs_per_subject: 3 }, -1],
  ["discard_new_per_subject", { max_msgs_per_subject: 3, discard_new_per_subject: true }, undefined],
  ["max_msg_size", { max_msg_size: 100 }, -1],
  ["max_bytes", { max_bytes: -1 }, config.NATS_STREAM_BYTES_MAX],
  ["duplicate_window", { duplicate_window: 1_000_000_000 }, 120_000_000_000],
  ["no_ack", { no_ack: true }, undefined],
  ["subjects", { subjects: ["carillon.sms.*"] }, ["carillon.sms.>"]],
  ["consumer_limits", { consumer_limits: { max_ack_pending: 5 } }, {}, [2, 10, 0]],
];

describe("what a server lets one change in a stream is set right", () => {
  for (const [setting, over, becomes, since] of MENDED)
    test(setting, async (t) => {
      const why = tooOld(since);
      if (why) return t.skip(why);
      const { config: put } = await putStream(over);
      assert.notDeepEqual(put[setting], becomes, "the case is on the server");
      await ensure();
      assert.deepEqual((await jsm.streams.info(STREAM)).config[setting] || undefined, becomes || undefined);
    });

  test("and no task is lost, also where the new bound is below the current size", async () => {
    await putStream({ discard: "old", max_age: HOUR_NS, max_bytes: -1 });
    const js = jetstream(nats);
    const body = new Uint8Array(100_000);
    for (let i = 0; i < 30; i++) await js.publish(taskSubject("sms", "marketing"), body);
    const small = { NATS_STREAM_BYTES_MAX: "1000000" };
    lines.length = 0;
    await ensure(small);
    const full = await jsm.streams.info(STREAM);
    assert.deepEqual([full.config.max_bytes, full.config.discard, full.state.messages], [-1, "new", 30]);
    assert.match(lines.join(""), /"bytesMax":1000000.*holds more than NATS_STREAM_BYTES_MAX/);
    await jsm.streams.purge(STREAM, { keep: 3 });
    await ensure(small);
    const emptier = await jsm.streams.info(STREAM);
    assert.deepEqual([emptier.config.max_bytes, emptier.state.messages], [1_000_000, 3]);
  });

  test("settings that an operator added are kept: a description, a placement", async () => {
    await putStream({ description: "ours", max_age: HOUR_NS });
    await ensure();
    assert.equal((await jsm.streams.info(STREAM)).config.description, "ours");
  });
});

test("declaring an existing stream again writes nothing", async () => {
  await ensure();
  const asked: string[] = [];
  for (const subject of ["$JS.API.STREAM.UPDATE.>", "$JS.API.STREAM.CREATE.>", "$JS.API.CONSUMER.CREATE.>"])
    nats.subscribe(subject, { callback: (_, msg) => void asked.push(msg.subject) });
  await nats.flush();
  await ensure();
  await nats.flush();
  assert.deepEqual(asked, []);
});

test("a lower NATS_REPLICAS removes no replica", async () => {
  const { config: found, state } = await putStream({});
  const existing = { config: { ...found, num_replicas: 3 }, state };
  assert.equal(wantedStream("sms", config, existing).num_replicas, 3);
  assert.equal(wantedStream("sms", readConfig(streamVariables, { NATS_REPLICAS: "5" }), existing).num_replicas, 5);
});

test("an unsafe stream found while tasks are consumed is logged once and tried again, and the process continues", async () => {
  await ensure();
  const stop = new AbortController();
  let [handled, tries] = [0, 0];
  const handle = async () => {
    handled++;
    return { kind: "ack" } as const;
  };
  lines.length = 0;
  const tracer = new ProxyTracerProvider().getTracer("test");
  const consuming = consumeTasks(nats, handle, {
    ...{ channel: "sms", worker: "w", heldMax: () => 4, signal: stop.signal, clock: systemClock, log, tracer },
    ensure: () => {
      tries++;
      return ensure();
    },
  });
  try {
    await jsm.streams.delete(STREAM);
    await putStream({ storage: "memory" });
    const logged = () => lines.filter((line) => /streams could not be ensured/.test(line) && /storage is memory/.test(line)).length;
    // Each class's consumer tries on its own.
    await eventually("it is tried again and again", () => tries >= 3 * CLASSES.length);
    assert.equal(logged(), CLASSES.length, "once each, however often it is tried");
    await jsm.streams.delete(STREAM);
    await eventually("the consumers are there again", () =>
      jsm.streams.info(STREAM).then(
        ({ state }) => state.consumer_count === CLASSES.length,
        () => false,
      ),
    );
    await jetstream(nats).publish(taskSubject("sms", "critical"), "a task");
    await eventually("it is handled", () => handled === 1);
  } finally {
    stop.abort();
    await consuming;
  }
});
