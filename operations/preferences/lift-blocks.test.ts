import assert from "node:assert/strict";
import { test } from "node:test";
import { openPreferences, preferenceVariables } from "../../adapters/opt-outs/open-preferences.ts";
import { connectRedis } from "../../adapters/redis/connect.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import { endpointSubject } from "../../core/preferences/opt-out.ts";
import { systemClock } from "../../runtime/clock.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { startRedis } from "../../test/support/servers.ts";
import { blocksOf, liftBlocks } from "./lift-blocks.ts";

test("blocks are lifted of one kind or all, in one app, in the store and in Redis", async () => {
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openStore("sqlite::memory:"));
  const { url } = stack.use(await startRedis());
  const log = createLogger("test", "fatal");
  const redis = stack.use(await connectRedis(url, { log }));
  const { update } = await openPreferences(readConfig(preferenceVariables, { REDIS_URL: url }), { store, clock: systemClock, log, stack });
  const subject = endpointSubject("ab".repeat(16));
  const block = (["bounce", "complaint"] as const).map((kind) => ({ kind, reason: "5.1.1", source: "sendgrid", at: 1 }));
  for (const app of ["shop", "bank"]) await update(app, subject, { block, origin: {} });
  const members = async () => {
    const keys = await redis.keys("carillon:opt-out:{*}");
    return (await Promise.all(keys.map((key) => redis.scard(key)))).reduce((sum, n) => sum + n, 0);
  };
  assert.equal(await members(), 2);
  const { find } = store.preferences;
  const lift = (kind?: "bounce") =>
    liftBlocks({ find, update }, { app: "shop", subject, kind, actor: "ann", why: "verified by letter" }).then((of) =>
      of.map((b) => b.kind),
    );
  assert.deepEqual(await lift("bounce"), ["bounce"]);
  await assert.rejects(lift("bounce"), OperatorError);
  assert.equal(await members(), 2, "the complaint still blocks");
  assert.deepEqual(await lift(), ["complaint"]);
  assert.equal(await members(), 1, "the other app's is left");
  assert.deepEqual(await blocksOf({ find }, { app: "shop", subject, kind: undefined }), []);
  assert.equal((await blocksOf({ find }, { app: "bank", subject, kind: undefined })).length, 2);
  const [entry] = await store.preferences.history("shop", subject, Number.MAX_SAFE_INTEGER, 1);
  assert.deepEqual(entry?.origin, { actor: "ann", source: "operator", evidence: "verified by letter" });
  const unconfirmed = { find, update: async () => undefined };
  await assert.rejects(liftBlocks(unconfirmed, { app: "bank", subject, kind: undefined, actor: "ann", why: "x" }), /did not confirm/);
});
