import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import { endpointSubject } from "../../core/preferences/opt-out.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { liftBlocks } from "./lift.ts";

test("shows what blocks an endpoint, and lifts it only with a reason, of one kind or all, in one app", async () => {
  await using store = await openStore("sqlite::memory:");
  const clock = createFakeClock();
  const endpoint = { channel: "email", address: "ada@Example.com" } as const;
  const subject = endpointSubject(endpointId(endpoint));
  const block = (["bounce", "complaint"] as const).map((kind) => ({ kind, reason: "5.1.1", source: "sendgrid", at: 1 }));
  for (const app of ["shop", "bank"]) await store.preferences.update(app, subject, { block, origin: {} }, clock.now());
  const kinds = async (over: { kind?: "bounce"; why?: string }) =>
    (await liftBlocks({ store, clock }, { app: "shop", endpoint: { ...endpoint, address: "ada@example.com" }, ...over })).map(
      ({ kind }) => kind,
    );
  assert.deepEqual(await kinds({}), ["bounce", "complaint"]);
  assert.deepEqual(await kinds({}), ["bounce", "complaint"], "nothing was lifted");
  assert.deepEqual(await kinds({ kind: "bounce", why: "verified by letter" }), ["bounce"]);
  assert.deepEqual(await kinds({}), ["complaint"]);
  const [entry] = await store.preferences.history("shop", subject, Number.MAX_SAFE_INTEGER, 1);
  assert.deepEqual(entry?.origin, { actor: "carillon suppressions lift", source: "operator", evidence: "verified by letter" });
  assert.equal((await store.preferences.find("bank", [subject]))[0]?.blocks.length, 2);
});
