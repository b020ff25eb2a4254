import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { envOf, http2, nowSeconds, openHttp2, signJwt, startTestSandbox } from "../../test/support/raw-client.ts";
import { fieldsOf } from "../kit/read.ts";
import type { Sandbox } from "../main.ts";

let sandbox: Sandbox;
let line: ReturnType<typeof openHttp2>;
let authorization: string;
before(async () => {
  sandbox = await startTestSandbox();
  line = openHttp2(sandbox, envOf(sandbox, "APNS_ORIGIN"));
  const claims = { iss: envOf(sandbox, "APNS_TEAM_ID"), iat: nowSeconds() };
  authorization = `bearer ${signJwt(envOf(sandbox, "APNS_KEY_FILE"), { kid: envOf(sandbox, "APNS_KEY_ID") }, claims)}`;
});
after(async () => {
  line[Symbol.dispose]();
  await sandbox[Symbol.asyncDispose]();
});

const SUFFIX: Record<string, string> = { voip: ".voip", liveactivity: ".push-type.liveactivity" };

/** A token that takes it. */
const deviceOf = (type: string, payload: unknown) => {
  const isStart = fieldsOf(fieldsOf(payload).aps).event === "start";
  return `${"cd".repeat(30)}${type === "voip" ? "c0c2" : type === "liveactivity" ? (isStart ? "c0c4" : "c0c3") : "cdcd"}`;
};

async function push(type: string, payload: unknown, more: Record<string, string> = {}) {
  const headers = {
    authorization,
    "apns-topic": `${envOf(sandbox, "APNS_TOPIC")}${SUFFIX[type] ?? ""}`,
    "apns-push-type": type,
    "apns-priority": type === "background" ? "5" : "10",
    ...more,
  };
  sandbox.ledger.clear();
  const given = await http2(line.session, `/3/device/${deviceOf(type, payload)}`, { headers, body: JSON.stringify(payload) });
  return { answer: `${given.status} ${fieldsOf(given.json).reason ?? ""}`.trim(), entry: sandbox.ledger.entries()[0] };
}

const FLIGHT = { "attributes-type": "FlightAttributes", attributes: { flight: "CR 12" } };
const GOOD: [type: string, payload: Record<string, unknown>, headers?: Record<string, string>][] = [
  ["alert", { aps: { alert: "Gate 12 is open" } }],
  ["alert", { aps: { badge: 0 } }],
  ["alert", { aps: { sound: "bell.caf", "content-available": 1 }, own: { nested: [1, 2.5, true, null] } }],
  ["alert", { aps: { alert: { title: "t" }, sound: { critical: 1, name: "default", volume: 0.5 }, "interruption-level": "critical" } }],
  [
    "alert",
    {
      aps: {
        alert: {
          ...{ title: "t", subtitle: "s", body: "b", "launch-image": "l.png", "title-loc-key": "T", "title-loc-args": ["1"] },
          ...{ "subtitle-loc-key": "S", "subtitle-loc-args": [], "loc-key": "B", "loc-args": ["x", "y"] },
        },
        ...{ badge: 3, sound: "default", "thread-id": "trip", category: "CHECK_IN", "mutable-content": 1, "target-content-id": "w1" },
        ...{ "interruption-level": "time-sensitive", "relevance-score": 0.75, "filter-criteria": "work", "url-args": ["boarding", "A998"] },
      },
    },
    { "apns-expiration": "0", "apns-priority": "1" },
  ],
  ["background", { aps: { "content-available": 1 }, sync: "mailbox" }],
  ["voip", { call: "4711", caller: "Ada" }, { "apns-expiration": "0" }],
  ["voip", { aps: {}, padding: "x".repeat(5_000) }],
  ["liveactivity", { aps: { timestamp: 1_790_000_000, event: "start", "content-state": { eta: 5 }, ...FLIGHT, alert: { title: "t" } } }],
  [
    "liveactivity",
    {
      aps: {
        ...{ timestamp: 1_790_000_000, event: "update", "content-state": { eta: 4.5 }, "stale-date": 1_790_003_600, "relevance-score": 75 },
        alert: { title: { "loc-key": "DELAY", "loc-args": ["Ada"] }, body: "b", sound: "chime.aiff" },
      },
    },
    { "apns-priority": "5" },
  ],
  ["liveactivity", { aps: { timestamp: 1_790_000_000, event: "end", "dismissal-date": 1_600_000_000 } }],
];

test("the payloads that Apple documents are accepted and kept whole", async () => {
  for (const [type, payload, headers] of GOOD) {
    const { answer, entry } = await push(type, payload, headers);
    assert.equal(answer, "200", entry?.answer);
    assert.deepEqual(entry?.payload, payload);
    assert.equal(entry?.headers["apns-push-type"], type);
  }
});

const aps = (change: Record<string, unknown>) => ({ aps: { alert: "b", ...change } });
const live = (change: Record<string, unknown>) => ({ aps: { timestamp: 1_790_000_000, event: "update", "content-state": {}, ...change } });
const BAD: [mistake: string, type: string, payload: unknown][] = [
  ["aps is missing", "alert", { data: {} }],
  ["aps takes object, not string", "alert", { aps: "text" }],
  ["aps: a push that is shown has an alert, a badge or a sound", "alert", { aps: { "content-available": 1 } }],
  ["aps.alert takes object, not array", "alert", aps({ alert: ["b"] })],
  ["aps.alert.body takes string, not integer", "alert", aps({ alert: { body: 1 } })],
  ["aps.alert.loc-args.0 takes string, not integer", "alert", aps({ alert: { "loc-key": "K", "loc-args": [1] } })],
  ["aps: arguments belong to their loc-key", "alert", aps({ alert: { "title-loc-args": ["1"] } })],
  ["aps.badge takes integer, not string", "alert", aps({ badge: "3" })],
  ["aps.badge: from 0", "alert", aps({ badge: -1 })],
  ["aps.sound.name is missing", "alert", aps({ sound: { critical: 1 } })],
  ["aps.sound.volume: from 0 to 1", "alert", aps({ sound: { name: "a", volume: 2 } })],
  ["aps.content-available takes integer, not boolean", "alert", aps({ "content-available": true })],
  ["aps.mutable-content: one of 0, 1", "alert", aps({ "mutable-content": 2 })],
  ["aps.interruption-level: one of passive, active, time-sensitive, critical", "alert", aps({ "interruption-level": "urgent" })],
  ["aps.relevance-score: from 0 to 1", "alert", aps({ "relevance-score": 75 })],
  ["aps.thread-id takes string, not integer", "alert", aps({ "thread-id": 7 })],
  ["aps.url-args takes array, not string", "alert", aps({ "url-args": "x" })],
  ["aps.content-available is missing", "background", { aps: {} }],
  ["aps: a background push has no alert, badge or sound", "background", { aps: { "content-available": 1, badge: 0 } }],
  ["aps.timestamp is missing", "liveactivity", { aps: { event: "update", "content-state": {} } }],
  ["aps.timestamp: from 0 to 99999999999", "liveactivity", live({ timestamp: 1_790_000_000_000 })],
  ["aps.event: one of start, update, end", "liveactivity", live({ event: "stop" })],
  ["aps: start has attributes-type and attributes", "liveactivity", live({ event: "start" })],
  ["aps: start and update have a content-state", "liveactivity", live({ "content-state": undefined })],
  ["aps.content-state takes object, not string", "liveactivity", live({ "content-state": "x" })],
  ["aps.dismissal-date takes integer, not string", "liveactivity", live({ "dismissal-date": "now" })],
  ["aps.alert takes object, not string", "liveactivity", live({ alert: "b" })],
  ["the body is no JSON object", "voip", [1]],
];

test("a wrong payload is answered PayloadEmpty, and the ledger says what is wrong", async () => {
  for (const [mistake, type, payload] of BAD) {
    const { answer, entry } = await push(type, payload);
    assert.equal(answer, "400 PayloadEmpty", mistake);
    assert.equal(entry?.answer, `400 PayloadEmpty: ${mistake}`);
    assert.equal(entry?.accepted, false);
  }
  assert.equal((await push("voip", { padding: "x".repeat(5_120) })).answer, "413 PayloadTooLarge");
  assert.equal((await push("liveactivity", live({ "content-state": { padding: "x".repeat(4_096) } }))).answer, "413 PayloadTooLarge");
});
