import assert from "node:assert/strict";
import { test } from "node:test";
import { type handleUnaryCall, status } from "@grpc/grpc-js";
import type { OptOutQuestion } from "../../core/ports/opt-outs.ts";
import {
  type CheckPreferencesRequest,
  type CheckPreferencesResponse,
  PreferenceServiceService,
} from "../../gen/carillon/v1/preference_service.ts";
import { startGrpcServer } from "../../runtime/grpc/server.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createOptOutsClient } from "./opt-outs-client.ts";

const log = createLogger("test", "silent");

type Check = handleUnaryCall<CheckPreferencesRequest, CheckPreferencesResponse>;

/** Stands in for the preferences service: every user whose id begins with "no" has opted out. */
const answering: Check = ({ request }, callback) =>
  callback(null, {
    answers: request.questions.map((q) => ({ optedOut: q.userId.startsWith("no"), reason: undefined, unknown: q.userId.startsWith("un") })),
  });

async function play(check: Check) {
  const calls: { app: unknown; questions: number }[] = [];
  const unimplemented: handleUnaryCall<unknown, never> = (_call, callback) => callback({ code: status.UNIMPLEMENTED });
  const server = await startGrpcServer({
    address: "127.0.0.1:0",
    services: [
      {
        definition: PreferenceServiceService,
        authenticate: () => undefined,
        implementation: {
          getPreferences: unimplemented,
          updatePreferences: unimplemented,
          listPreferenceChanges: unimplemented,
          liftBlock: unimplemented,
          checkPreferences: ((call, callback) => {
            calls.push({ app: call.metadata.get("carillon-app")[0], questions: call.request.questions.length });
            check(call, callback);
          }) satisfies Check,
        },
      },
    ],
    reflection: false,
    drainMs: 100,
    log,
  });
  const client = createOptOutsClient({ address: `127.0.0.1:${server.port}`, tokens: () => ["t"], log });
  return {
    client,
    calls,
    [Symbol.asyncDispose]: async () => {
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const question = (userId: string | undefined, app = "shop"): OptOutQuestion => ({
  ...{ app, userId, endpoint: undefined, channel: "sms", category: "news", notificationClass: "transactional" },
});

test("questions of the same event-loop turn go out in one call per app, and each gets its own answer", async () => {
  await using peer = await play(answering);
  const answers = await Promise.all([
    peer.client.check([question("nora"), question("yves")]),
    peer.client.check([question("yan", "bank"), question("noel")]),
    peer.client.check([question(undefined)]),
    peer.client.check([]),
  ]);
  assert.deepEqual(answers, [["opted-out", "allowed"], ["allowed", "opted-out"], ["unknown"], []]);
  assert.deepEqual(peer.calls, [
    { app: "shop", questions: 3 },
    { app: "bank", questions: 1 },
  ]);
});

test("what the service cannot read is unknown, and hides nothing that it can", async () => {
  await using peer = await play(answering);
  assert.deepEqual(await peer.client.check([question("una"), question("nora"), question("yves")]), ["unknown", "opted-out", "allowed"]);
  assert.equal(peer.calls.length, 1);
});

test("more questions than a call may hold go out in several calls", async () => {
  await using peer = await play(answering);
  const questions = Array.from({ length: 2_500 }, (_, n) => question(n % 2 ? `no${n}` : `yes${n}`));
  const answers = await peer.client.check(questions);
  assert.deepEqual(
    answers,
    questions.map((_, n) => (n % 2 ? "opted-out" : "allowed")),
  );
  assert.deepEqual(
    peer.calls.map((c) => c.questions),
    [1_000, 1_000, 500],
  );
});

test("questions about long endpoints go out in calls that the service's limit of a message allows", async () => {
  await using peer = await play(answering);
  const token = "x".repeat(4_096);
  const questions = Array.from(
    { length: 600 },
    (_, n): OptOutQuestion => ({ ...question(`yes${n}`), endpoint: { channel: "fcm", token } }),
  );
  assert.ok((await peer.client.check(questions)).every((answer) => answer === "allowed"));
  assert.ok(peer.calls.length >= 5 && peer.calls.every((call) => call.questions * token.length < 1_024 ** 2));
});

test("beyond the limit of waiting questions the answer is unknown at once", async () => {
  await using peer = await play(() => undefined);
  let answered = false;
  const waiting = peer.client.check(Array.from({ length: 20_000 }, () => question("yes"))).then(() => {
    answered = true;
  });
  assert.deepEqual(await peer.client.check([question("yes")]), ["unknown"]);
  assert.equal(answered, false);
  await waiting;
});

for (const [name, check] of [
  ["an error", (_call, callback) => callback({ code: status.PERMISSION_DENIED })],
  ["UNAVAILABLE", (_call, callback) => callback({ code: status.UNAVAILABLE })],
  ["too few answers", (_call, callback) => callback(null, { answers: [] })],
  ["no answer", () => undefined],
] as const satisfies readonly (readonly [string, Check])[]) {
  test(`${name} gives the answer unknown`, async () => {
    await using peer = await play(check);
    assert.deepEqual(await peer.client.check([question("yes"), question("no")]), ["unknown", "unknown"]);
    assert.notEqual(peer.calls.length, 0);
  });
}

test("without a server the answer is unknown", async () => {
  using client = createOptOutsClient({ address: "127.0.0.1:1", tokens: () => ["t"], log });
  assert.deepEqual(await client.check([question("yes")]), ["unknown"]);
});

test("an app is answered when its own questions are, whatever another app's of the same turn take", async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  await using peer = await play((call, callback) => {
    const isGreedy = call.metadata.get("carillon-app")[0] === "greedy";
    void (isGreedy ? held : Promise.resolve()).then(() => answering(call, callback));
  });
  const greedy = peer.client.check(Array.from({ length: 300 }, (_, i) => question(`no${i}`, "greedy")));
  assert.deepEqual(await peer.client.check([question("nora")]), ["opted-out"]);
  release();
  assert.equal((await greedy).filter((answer) => answer === "opted-out").length, 300);
});
