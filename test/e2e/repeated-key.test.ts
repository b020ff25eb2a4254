// Calls with the same key get the same answer, concurrently or later, and never create a second notification.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { connectGateway } from "../../cli/gateway/connect.ts";
import { contentToProto } from "../../core/content/content.ts";
import { SEND_AT_PAST_TOLERANCE_MS } from "../../gateway/check.ts";
import type { Notification } from "../../gen/carillon/v1/notification_service.ts";
import { grantApiKey } from "../../operations/apps/apps.ts";
import { eventually } from "../support/eventually.ts";
import { fresh } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { ended, get, notification, rejectionOf, send, sendBatch, settled } from "./calls.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem();
});
after(async () => {
  await system?.[Symbol.asyncDispose]();
});

test("a repeated key gets the same answer before and after sending", async () => {
  const n = notification();
  const first = await send(system, n);
  assert.equal(first.repeatedKey, false);
  const again = await send(system, n);
  assert.deepEqual(again, { ...first, repeatedKey: true });
  await ended(system, first);
  assert.deepEqual(await send(system, n), { ...first, repeatedKey: true });
  const [batched] = await sendBatch(system, [n]);
  assert.deepEqual(batched, { $case: "accepted", value: { ...first, repeatedKey: true } });
  assert.equal(system.sandbox.ledger.entries({ deliveryId: first.deliveries[0]!.deliveryId }).length, 1);
});

test("fifty calls with one key at once make one notification and one provider call", async () => {
  const before = await system.stored();
  const n = notification();
  const answers = await Promise.all(Array.from({ length: 50 }, () => send(system, n)));
  assert.equal(answers.filter((a) => !a.repeatedKey).length, 1);
  assert.deepEqual(new Set(answers.map((a) => a.notificationId)).size, 1);
  assert.deepEqual(new Set(answers.map((a) => a.acceptedAt?.getTime())).size, 1);
  await ended(system, answers[0]!);
  assert.equal(await system.stored(), before + 1);
  assert.equal(system.sandbox.ledger.entries({ deliveryId: answers[0]!.deliveries[0]!.deliveryId }).length, 1);
});

test("one key twice in a batch is one notification", async () => {
  const before = await system.stored();
  const n = notification();
  const results = await sendBatch(system, [n, n]);
  const answers = results.map((r) => (r?.$case === "accepted" ? r.value : undefined));
  assert.equal(answers[0]?.notificationId, answers[1]?.notificationId);
  assert.deepEqual(answers.map((a) => a?.repeatedKey).sort(), [false, true]);
  assert.equal(await system.stored(), before + 1);
});

const OTHER: readonly [what: string, change: Partial<Notification>][] = [
  ["content", { content: contentToProto({ email: { subject: "Other", html: "", text: "words" } }) }],
  ["recipient", { recipient: { to: { $case: "userId", value: "another-user" } } }],
  ["class", { notificationClass: 3 }],
  ["category", { category: "other" }],
  ["expiry", { expiresAt: new Date(Date.now() + 3_600_000) }],
];

test("the same key with another payload is an error and changes nothing", async () => {
  const n = notification();
  const first = await send(system, n);
  const before = await system.stored();
  for (const [what, change] of OTHER) {
    const rejection = await rejectionOf(send(system, { ...n, ...change }));
    assert.deepEqual([rejection.code, rejection.reason], [status.ALREADY_EXISTS, "KEY_REUSED"], what);
  }
  assert.equal(await system.stored(), before);
  assert.equal((await get(system, first.notificationId)).category, n.category);
});

test("a key repeated after its times have passed gets the same answer, although a new key would be rejected", async () => {
  // A slightly past send_at is tolerated; this one will be older than that when it is repeated.
  const sendAt = new Date(Date.now() - SEND_AT_PAST_TOLERANCE_MS + 1_000);
  const expiresAt = new Date(Date.now() + 1_000);
  const [late, expired] = [notification({ sendAt }), notification({ expiresAt })];
  const answers = [await send(system, late), await send(system, expired)];
  await settled(
    system,
    answers.map((a) => a.notificationId),
  );
  await eventually("both times have passed", () => Date.now() > expiresAt.getTime() + 100);
  for (const [i, n] of [late, expired].entries()) {
    assert.deepEqual(await send(system, n), { ...answers[i], repeatedKey: true });
    const rejection = await rejectionOf(send(system, { ...n, idempotencyKey: fresh("late") }));
    assert.deepEqual(
      rejection.fields.map((f) => f.field),
      [i === 0 ? "notification.send_at" : "notification.expires_at"],
    );
  }
});

test("a key belongs to its app, and so does the notification", async () => {
  const { key } = await grantApiKey(system.store.apps, { id: "other", channels: ["email"] });
  using other = connectGateway(system.gatewayAddress, key);
  const n = notification();
  const ours = await send(system, n);
  const theirs = await send({ clients: other }, n);
  assert.notEqual(theirs.notificationId, ours.notificationId);
  assert.equal(theirs.repeatedKey, false);
  const rejection = await rejectionOf(get({ clients: other }, ours.notificationId));
  assert.deepEqual([rejection.code, rejection.reason], [status.NOT_FOUND, "NOT_FOUND"]);
  assert.equal((await get({ clients: other }, theirs.notificationId)).notificationId, theirs.notificationId);
});
