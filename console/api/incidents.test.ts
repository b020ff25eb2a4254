import assert from "node:assert/strict";
import { test } from "node:test";
import type { SteeringRecord } from "../../core/steering/steering.ts";
import type { Target } from "../../core/steering/target.ts";
import type { ChannelNow, CircuitNow, PromiseNow } from "../view-now.ts";
import { INCIDENTS_MAX, incidentsOf } from "./incidents.ts";

const NOW = 10_000_000;
const PROVIDERS = [
  { name: "twilio", channel: "sms" },
  { name: "vonage", channel: "sms" },
  { name: "fcm", channel: "fcm" },
] as const;

const promise = (title: string, over: Partial<PromiseNow> = {}): PromiseNow => ({
  ...{ title, state: "held", isBrokenNow: false, words: "w", examples: [], ...over },
});
const broken = (isBrokenNow: boolean) => ({ state: "broken", isBrokenNow, examples: ["a1", "b2"] }) as const;
const PROMISES = ["Lost", "Twice", "Opt-outs", "Critical"].map((title) => promise(title));
const withPromise = (at: number, over: Partial<PromiseNow>) => PROMISES.map((one, i) => (i === at ? { ...one, ...over } : one));

const circuit = (account: string, over: Partial<CircuitNow> = {}): CircuitNow => ({
  ...{ channel: "sms", account, part: "account", state: "open", since: NOW - 5_000, until: NOW + 5_000 },
  ...{ code: "unavailable", words: "It fails", tag: "unavailable: http-503", advice: "Nothing.", ...over },
});
const channel = (over: Partial<ChannelNow> = {}): ChannelNow => ({
  ...{ channel: "sms", waiting: 90, retrying: 7, misconfigured: 0, inDoubt: 0, why: [], ...over },
});
const waitingFor = (reason: string, count: number): ChannelNow["why"][number] => ({
  ...{ count, words: `Words of ${reason}`, reason, details: [], isInDoubt: false, oldestAt: NOW - 120_000 },
});
const steered = (target: Target, over: Partial<SteeringRecord> = {}): SteeringRecord => ({
  ...{ target, state: "paused", actor: "ada", reason: "it floods", at: NOW - 9_000, ...over },
});
const account = (value: string): Target => ({ kind: "account", value });

function told(over: Partial<Parameters<typeof incidentsOf>[0]>) {
  const facts = { promises: PROMISES, isNatsAway: false, circuits: [], channels: [], outbox: [], steering: [], held: new Map(), now: NOW };
  return incidentsOf({ ...facts, providers: PROVIDERS, ...over });
}
const titles = (over: Partial<Parameters<typeof incidentsOf>[0]>) => told(over).incidents.map(({ kind, title }) => `${kind} ${title}`);

test("what is wrong now comes first, the worst before the others; then what is held, then what is over; of many the first are told", () => {
  const over = {
    promises: PROMISES.map((one) => ({ ...one, ...broken(one.title === "Lost" || one.title === "Critical") })),
    isNatsAway: true,
    circuits: [circuit("twilio/default")],
    channels: [channel({ why: [waitingFor("throttled", 3)] })],
    steering: [steered({ kind: "app", value: "news" })],
    held: new Map([["app:news", 4]]),
  };
  const { incidents, moreIncidents } = told(over);
  assert.deepEqual(
    incidents.map(({ title }) => title),
    ["Not held: lost", "NATS cannot be reached", "Not held: critical", "SMS by twilio/default is not sent"],
  );
  assert.deepEqual([incidents.length, moreIncidents], [INCIDENTS_MAX, 4]);
  assert.deepEqual(titles({ ...over, isNatsAway: false, circuits: [], promises: withPromise(3, broken(false)) }), [
    "fault SMS waits: Words of throttled",
    "held App news is paused",
    "past Not held: critical",
  ]);
});

test("a broken promise leads to notifications that show it", () => {
  const { incidents } = told({ promises: withPromise(3, broken(true)) });
  assert.partialDeepStrictEqual(incidents, [{ kind: "fault", link: "/notifications/a1", examples: ["a1", "b2"] }]);
});

test("what a pause holds is told with who, why and until when; a pause that holds nothing, or is over, is not told", () => {
  const news = steered({ kind: "app", value: "news" }, { until: NOW + 60_000 });
  const held = new Map([["app:news", 37]]);
  assert.partialDeepStrictEqual(told({ steering: [news], held }).incidents, [
    {
      ...{ kind: "held", title: "App news is paused", drain: "", resume: "app:news" },
      text: "37 deliveries wait for it to be resumed",
      link: "/find#state=pending&app=news&reason=paused",
      by: { actor: "ada", reason: "it floods", at: NOW - 9_000, until: NOW + 60_000 },
    },
  ]);
  assert.deepEqual(titles({ steering: [news] }), []);
  assert.deepEqual(titles({ steering: [{ ...news, until: NOW - 1 }], held }), []);
  assert.deepEqual(titles({ steering: [{ ...news, state: "resumed" }], held }), []);
});

test("a drain is offered only where another provider of the channel can take over", () => {
  const offered = (over: Partial<Parameters<typeof incidentsOf>[0]>) => told(over).incidents.map(({ drain }) => drain);
  const [channels, circuits] = [[channel()], [circuit("twilio/default")]];
  assert.deepEqual(offered({ channels, circuits }), ["twilio/default"]);
  assert.deepEqual(offered({ channels, circuits, steering: [steered(account("vonage"), { state: "drained", to: "twilio" })] }), [""]);
  assert.deepEqual(offered({ channels: [channel({ channel: "fcm" })], circuits: [circuit("fcm/default", { channel: "fcm" })] }), [""]);
});

test("the circuit of an account stands for those of its parts; of several parts the first offers the drain of their account", () => {
  const [channels, parts] = [[channel()], ["country +82", "country +49"].map((part) => circuit("twilio/default", { part }))];
  const shown = (circuits: readonly CircuitNow[]) => told({ channels, circuits }).incidents.map(({ title, drain }) => [title, drain]);
  assert.deepEqual(shown([...parts, circuit("twilio/default")]), [["SMS by twilio/default is not sent", "twilio/default"]]);
  assert.deepEqual(shown(parts), [
    ["SMS by twilio/default for country +82 is not sent", "twilio/default"],
    ["SMS by twilio/default for country +49 is not sent", ""],
  ]);
});

test("an account that is drained is told as drained, and no drain of it is offered", () => {
  const [channels, circuits] = [[channel({ why: [waitingFor("unavailable", 7)] })], [circuit("twilio/default")]];
  for (const value of ["twilio", "twilio/default"]) {
    const { incidents } = told({ channels, circuits, steering: [steered(account(value), { state: "drained", to: "vonage" })] });
    assert.partialDeepStrictEqual(incidents, [
      {
        ...{ kind: "held", title: `${value} is drained to vonage`, drain: "", resume: `account:${value}` },
        text: "7 deliveries on SMS wait for another attempt, which another account makes",
      },
    ]);
    assert.equal(incidents.length, 1);
  }
});

test("what waits for a circuit counts as what is tried again, and not once more as a reason of its channel", () => {
  const over = { channels: [channel({ why: [waitingFor("unavailable", 7)] })], circuits: [circuit("twilio/default")] };
  const { incidents } = told(over);
  assert.equal(incidents.length, 1);
  assert.match(incidents[0]?.text ?? "", /7 deliveries on SMS wait for another attempt and are tried again by themselves$/);
  assert.deepEqual(titles({ ...over, channels: [channel({ retrying: 0 })] }), []);
});
