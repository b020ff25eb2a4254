// Each dangerous setting is put on a real server, and started against.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import {
  type ConsumerConfig,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  type StreamConfig,
  type StreamInfo,
  type StreamUpdateConfig,
} from "@nats-io/jetstream";
import { ProxyTracerProvider } from "@opentelemetry/api";
import { CLASSES } from "../../core/channel.ts";
import { consumerName, streamName, taskSubject } from "../../core/subjects.ts";
import { eventually } from "../../test/support/eventually.ts";
import { startNats } from "../../test/support/servers.ts";
import { systemClock } from "../clock.ts";
import { readConfig } from "../config.ts";
import { DangerousSettingError } from "../dangerous-setting.ts";
import type { LocalServer } from "../local/local-servers.ts";
import { createLogger } from "../logger.ts";
import { compareVersions, parseVersion, type Version } from "../version.ts";
import { connectNats, type Nats, natsVariables } from "./connect.ts";
import { consumeTasks } from "./consume.ts";
import { wantedConsumer } from "./consumer-settings.ts";
import { wantedStream } from "./stream-settings.ts";
import { ensureStreams, streamVariables } from "./streams.ts";

const STREAM = streamName("sms");
const CRITICAL = consumerName("sms", "critical");
const HOUR_NS = 3_600_000_000_000;

const lines: string[] = [];
const log = createLogger("test", "warn", { write: (line) => void lines.push(line) });
const config = readConfig(streamVariables, {});
let server: LocalServer;
let nats: Nats;
let jsm: JetStreamManager;

before(async () => {
  server = await startNats();
  nats = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), log);
  jsm = await jetstreamManager(nats);
});
after(async () => {
  await nats[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  for await (const { config } of jsm.streams.list()) await jsm.streams.delete(config.name);
});

const ensure = (env: Record<string, string> = {}) => ensureStreams(nats, readConfig(streamVariables, env), ["sms"]);

/** Why a case cannot be put on the server there is; undefined where it can. */
function tooOld(since: Version | undefined): string | undefined {
  const version = nats.info?.version ?? "";
  return since && compareVersions(parseVersion(version) ?? since, since) < 0
    ? `nats-server ${version} does not know it, ${since.join(".")} is needed`
    : undefined;
}

async function refuses(says: RegExp, work: Promise<void> = ensure()): Promise<DangerousSettingError> {
  const error = await work.then(
    () => assert.fail("it was let pass"),
    (e: unknown) => e,
  );
  assert.ok(error instanceof DangerousSettingError, String(error));
  assert.match(error.message, says);
  assert.ok(error.message.startsWith(`NATS at 127.0.0.1:${server.port}: `), error.message);
  for (const { why, fix } of error.dangers) assert.ok(why.length > 10 && fix.length > 10, error.message);
  return error;
}

/** As it should be but for `over`. */
async function putStream(over: Partial<StreamConfig>): Promise<StreamInfo> {
  let made: StreamInfo | undefined;
  await eventually("the server has cleared away the stream of the test before", async () => {
    try {
      made = await jsm.streams.add(Object.assign({ ...wantedStream("sms", config) }, over));
    } catch (error) {
      // It removes a deleted stream's files in the background, and a new one's may be in their way.
      if (!(error instanceof Error && error.message.includes("error creating store"))) throw error;
    }
    return made !== undefined;
  });
  return made!;
}

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

describe("a stream that a start cannot set right is refused, with the setting, its value and the fix", () => {
  for (const [setting, value, over, since] of LASTING)
    test(`${setting} ${value}`, async (t) => {
      const why = tooOld(since);
      if (why) return t.skip(why);
      await putStream(over);
      const before = (await jsm.streams.info(STREAM)).config;
      await refuses(new RegExp(`stream ${STREAM}, ${setting} is ${value}.*; delete it \\(nats stream rm ${STREAM}\\)`));
      assert.deepEqual((await jsm.streams.info(STREAM)).config, before, "it is left as it was");
    });

  test("sealed", async () => {
    await putStream({});
    await jsm.streams.update(STREAM, { sealed: true } as Partial<StreamUpdateConfig>);
    await refuses(/sealed is true: it takes no task/);
  });

  test("a mirror of another stream", async () => {
    await jsm.streams.add({ name: STREAM, mirror: { name: "OTHER" } });
    const error = await refuses(/mirror is {.*OTHER/);
    assert.ok(
      error.dangers.some((d) => d.setting.endsWith("retention")),
      "the other danger is told at the same time",
    );
    assert.match(error.message, /\d dangerous settings\n/);
  });

  test("subjects that another stream keeps, by its name", async () => {
    await jsm.streams.add({ name: "UNRELATED", subjects: ["carillon.other.*"] });
    await jsm.streams.add({ name: "EVERYTHING", subjects: ["before", "carillon.sms.>"] });
    const { dangers } = await refuses(/stream EVERYTHING, subjects is \["before","carillon\.sms\.>"\].*nats stream edit EVERYTHING/);
    assert.equal(dangers.length, 1);
  });

  test("more copies than there are servers", async () => {
    await refuses(/NATS_REPLICAS is 3.*NATS_REPLICAS=1|num_replicas is 3 on a server outside any cluster/, ensure({ NATS_REPLICAS: "3" }));
  });

  test("more copies than there are servers, of a stream that is there", async () => {
    await ensure();
    await refuses(/NATS_REPLICAS is 3.*NATS_REPLICAS=1|num_replicas is 3 on a server outside any cluster/, ensure({ NATS_REPLICAS: "3" }));
  });

  test("after the fix that is told, a start makes the stream anew", async () => {
    await putStream({ retention: "limits" });
    await refuses(/nats stream rm CARILLON_SMS/);
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
  ["subjects", { subjects: ["carillon.sms.critical"] }, ["carillon.sms.*"]],
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

  test("and no task is lost by it, also where the new bound is below what is there", async () => {
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

  test("what somebody else added is kept: a description, a placement", async () => {
    await putStream({ description: "ours", max_age: HOUR_NS });
    await ensure();
    assert.equal((await jsm.streams.info(STREAM)).config.description, "ours");
  });
});

const putConsumer = async (over: Partial<ConsumerConfig>) => {
  await putStream({});
  return (
    await jsm.consumers.add(
      STREAM,
      Object.assign({ ...wantedConsumer("sms", "critical", config) }, over.filter_subjects ? { filter_subject: undefined } : {}, over),
    )
  ).config;
};

const CONSUMERS: readonly [setting: keyof ConsumerConfig, over: Partial<ConsumerConfig>, becomes: unknown, since?: Version][] = [
  ["ack_wait", { ack_wait: 1_000_000_000 }, 60_000_000_000],
  ["max_deliver", { max_deliver: 3 }, -1],
  ["max_ack_pending", { max_ack_pending: 1 }, 10_000],
  ["filter_subject", { filter_subject: "carillon.sms.other" }, "carillon.sms.critical"],
  ["filter_subjects", { filter_subjects: ["carillon.sms.critical", "carillon.sms.other"] }, undefined, [2, 10, 0]],
  ["backoff", { backoff: [1_000_000_000, 2_000_000_000], max_deliver: 5 }, undefined],
  ["headers_only", { headers_only: true }, undefined],
  ["inactive_threshold", { inactive_threshold: HOUR_NS }, undefined],
  ["max_batch", { max_batch: 1 }, undefined],
  ["max_expires", { max_expires: 1_000_000_000 }, undefined],
  ["max_bytes", { max_bytes: 5 }, undefined],
  ["num_replicas", { num_replicas: 1 }, undefined],
];

describe("what a server lets one change in a consumer is set right, the rest is refused", () => {
  for (const [setting, over, becomes, since] of CONSUMERS)
    test(setting, async (t) => {
      const why = tooOld(since);
      if (why) return t.skip(why);
      assert.notDeepEqual((await putConsumer(over))[setting], becomes, "the case is on the server");
      await ensure();
      assert.equal((await jsm.consumers.info(STREAM, CRITICAL)).config[setting] || undefined, becomes);
    });

  test("a consumer that pushes", async () => {
    await putConsumer({ deliver_subject: "pushed" });
    await refuses(/consumer sms-critical of CARILLON_SMS, deliver_subject is pushed.*nats consumer rm CARILLON_SMS sms-critical/);
  });

  test("a consumer that replays slowly", async () => {
    await putConsumer({ replay_policy: "original" });
    await refuses(/consumer sms-critical of CARILLON_SMS, replay_policy is original/);
  });

  test("a consumer for one client at a time", async (t) => {
    const why = tooOld([2, 11, 0]);
    if (why) return t.skip(why);
    await putConsumer({ priority_groups: ["g"], priority_policy: "pinned_client" });
    await refuses(/consumer sms-critical of CARILLON_SMS, priority_policy is pinned_client/);
  });
});

describe("consumers of others", () => {
  for (const filter of [undefined, "carillon.sms.*", "carillon.>", "carillon.sms.critical"])
    test(`one that takes ${filter ?? "everything"} is refused by its name`, async () => {
      await putStream({});
      await jsm.consumers.add(STREAM, { durable_name: "theirs", ack_policy: "explicit", ...(filter ? { filter_subject: filter } : {}) });
      await refuses(/consumer theirs of CARILLON_SMS.*none of ours.*nats consumer rm CARILLON_SMS theirs/);
      await jsm.consumers.delete(STREAM, "theirs");
      await ensure();
      assert.equal((await jsm.streams.info(STREAM)).state.consumer_count, CLASSES.length);
    });

  test("one that takes nothing of ours may stay: a later Carillon may have more classes", async () => {
    await putStream({});
    await jsm.consumers.add(STREAM, { durable_name: "theirs", ack_policy: "explicit", filter_subject: "carillon.sms.later" });
    await ensure();
  });
});

test("a paused consumer is somebody's decision: the start goes on and says so", async (t) => {
  const why = tooOld([2, 11, 0]);
  if (why) return t.skip(why);
  await ensure();
  await jsm.consumers.pause(STREAM, CRITICAL, new Date(Date.now() + 60_000));
  lines.length = 0;
  // Setting something else right must not end the pause.
  await ensure({ NATS_ACK_WAIT_MS: "70000" });
  assert.match(lines.join(""), /"consumer":"sms-critical".*consumer is paused/);
  const { config, paused } = await jsm.consumers.info(STREAM, CRITICAL);
  assert.deepEqual([paused, config.ack_wait], [true, 70_000_000_000]);
});

test("declaring again what is there writes nothing", async () => {
  await ensure();
  const asked: string[] = [];
  for (const subject of ["$JS.API.STREAM.UPDATE.>", "$JS.API.STREAM.CREATE.>", "$JS.API.CONSUMER.CREATE.>"])
    nats.subscribe(subject, { callback: (_, msg) => void asked.push(msg.subject) });
  await nats.flush();
  await ensure();
  await nats.flush();
  assert.deepEqual(asked, []);
});

test("who asks for fewer copies than there are takes none away", async () => {
  const { config: found, state } = await putStream({});
  const existing = { config: { ...found, num_replicas: 3 }, state };
  assert.equal(wantedStream("sms", config, existing).num_replicas, 3);
  assert.equal(wantedStream("sms", readConfig(streamVariables, { NATS_REPLICAS: "5" }), existing).num_replicas, 5);
});

test("a dangerous stream that is met while tasks are consumed is told and tried again, and the process lives", async () => {
  await ensure();
  const stop = new AbortController();
  let handled = 0;
  const handle = async () => {
    handled++;
    return { kind: "ack" } as const;
  };
  lines.length = 0;
  const tracer = new ProxyTracerProvider().getTracer("test");
  const consuming = consumeTasks(nats, handle, {
    ...{ channel: "sms", worker: "w", inFlightMax: 4, signal: stop.signal, clock: systemClock, log, tracer },
    ensure,
  });
  try {
    await jsm.streams.delete(STREAM);
    await putStream({ storage: "memory" });
    const told = () => lines.filter((line) => /streams could not be ensured/.test(line) && /storage is memory/.test(line)).length;
    // Each class's consumer tries on its own: more lines than classes are a second try.
    await eventually("it is told, and again", () => told() > CLASSES.length);
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
