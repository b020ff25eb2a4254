import assert from "node:assert/strict";
import { constants } from "node:http2";
import { test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";
import { eventually } from "../../test/support/eventually.ts";
import { type Arrived, answer, open, send, sendAll, startServer } from "../../test/support/http2-server.ts";
import { PROVIDER_ANSWER_BYTES_MAX } from "./provider-connections.ts";

test("the body of an answer other than 200 is read whole, up to a limit", async () => {
  await using server = await startServer(10);
  using calls = open(server.origin);
  const results = Promise.all(sendAll(calls, 2));
  await eventually("both have begun", () => server.arrived.length === 2);
  answer(server.arrived[0]!, 410, "ü".repeat(10_000));
  answer(server.arrived[1]!, 410, "x".repeat(PROVIDER_ANSWER_BYTES_MAX + 1));
  assert.deepEqual(await results, [`410 ${"ü".repeat(10_000)}`, "unanswered unknown"]);
});

test("a call that ended is not kept while others wait", async () => {
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as () => void;
  await using server = await startServer(1);
  using calls = open(server.origin);
  const ENDED = 40;
  const kept: WeakRef<AbortSignal>[] = [];
  const begin = () => {
    const { signal } = new AbortController();
    kept.push(new WeakRef(signal));
    return send(calls, "ended", signal);
  };
  const results = [begin(), begin()];
  for (let i = 0; i < ENDED; i++) {
    await eventually("begun", () => server.arrived.length === i + 1);
    results.push(begin());
    answer(server.arrived[i]!);
    assert.equal(await results[i], "200");
  }
  await eventually("most are collected", () => {
    collect();
    return kept.filter((ref) => ref.deref() !== undefined).length < ENDED / 4;
  });
});

for (const [what, waiting] of [
  ["calls", { itemsMax: 2, bytesMax: 1_000 }],
  ["bytes", { itemsMax: 1_000, bytesMax: "second".length * 2 }],
] as const)
  test(`beyond the bound of ${what} that wait, a call is not made; what ends at its deadline leaves its place`, async () => {
    await using server = await startServer(1);
    using calls = open(server.origin, { waiting });
    const first = send(calls, "first");
    await eventually("the first has begun", () => server.arrived.length === 1);
    const deadline = new AbortController();
    const second = send(calls, "second", deadline.signal);
    const third = send(calls, "third");
    assert.equal(await send(calls, "beyond"), "unavailable no-connection-slot");
    deadline.abort();
    assert.equal(await second, "unavailable deadline");
    const fourth = send(calls, "fourth");
    for (let i = 0; i < 3; i++) {
      await eventually("begun", () => server.arrived.length === i + 1);
      answer(server.arrived[i]!);
    }
    assert.deepEqual(await Promise.all([first, third, fourth]), ["200", "200", "200"]);
    assert.deepEqual(server.names(), ["first", "third", "fourth"]);
  });

for (const [what, write] of [
  ["never ends", ({ stream }: Arrived) => void stream.write("x")],
  ["is longer than an answer", ({ stream }: Arrived) => void stream.end("x".repeat(8 * PROVIDER_ANSWER_BYTES_MAX))],
] as const)
  test(`an accepted call whose answer ${what} leaves its room to the next, and its stream is cancelled`, async () => {
    await using server = await startServer(10);
    using calls = open(server.origin, { streamsMax: 1 });
    const first = send(calls, "first");
    await eventually("begun", () => server.arrived.length === 1);
    const [accepted] = server.arrived as [Arrived];
    accepted.stream.respond({ ":status": 200 });
    write(accepted);
    assert.equal(await first, "200");
    const next = send(calls, "next");
    await eventually("the next has begun", () => server.arrived.length === 2);
    assert.equal(accepted.stream.rstCode, constants.NGHTTP2_CANCEL);
    answer(server.arrived[1]!);
    assert.equal(await next, "200");
    assert.equal(server.sessions.length, 1);
  });
