import assert from "node:assert/strict";
import { test } from "node:test";
import { shardingDanger, shardsOf } from "./sharding.ts";

/** As the manual shows them ("Explain Results", sharded collections), and servers from 3.4 to 8.0 answer. */
const onShard = (shardName: string, winningPlan: object) => ({
  shardName,
  connectionString: `${shardName}/a:27018,b:27018,c:27018`,
  serverInfo: { host: "a", port: 27018, version: "8.0.4", gitVersion: "bc35ab4305d9920d9d0491c1c9ef9b72383d31f9" },
  namespace: "carillon.attempts",
  indexFilterSet: false,
  parsedQuery: { _id: { $eq: "carillon:nowhere" } },
  winningPlan,
  rejectedPlans: [],
});
const explained = (stage: string, shards: object[]) => ({
  queryPlanner: { mongosPlannerVersion: 1, winningPlan: { stage, shards } },
  serverInfo: { host: "mongos", port: 27017, version: "8.0.4" },
  command: { find: "attempts", filter: { _id: "carillon:nowhere" }, $db: "carillon" },
  ok: 1,
});
const idHack = { stage: "IDHACK" };
const filtered = { stage: "SHARDING_FILTER", inputStage: { stage: "FETCH", inputStage: { stage: "IXSCAN", keyPattern: { _id: 1 } } } };
const single = explained("SINGLE_SHARD", [onShard("rs0", idHack)]);
const express = explained("SINGLE_SHARD", [onShard("rs1", { stage: "EXPRESS_IXSCAN", keyPattern: "{ _id: 1 }" })]);
const merged = explained("SHARD_MERGE", [onShard("rs0", filtered), onShard("rs1", filtered)]);

test("the shards that a find by _id asks are read from the plan", () => {
  assert.deepEqual(shardsOf(single), ["rs0"]);
  assert.deepEqual(shardsOf(express), ["rs1"]);
  assert.deepEqual(shardsOf(merged), ["rs0", "rs1"]);
  for (const other of [undefined, null, {}, { queryPlanner: {} }, { queryPlanner: { winningPlan: { stage: "EOF" } } }, "x"])
    assert.equal(shardsOf(other), undefined);
});

test("a collection sharded by _id, ranged or hashed, is safe, however many shards answer", () => {
  for (const key of [{ _id: 1 }, { _id: -1 }, { _id: "hashed" }])
    for (const plan of [single, merged, undefined]) assert.equal(shardingDanger("attempts", { key, explained: plan }), undefined);
});

test("another key is rejected, also while one shard holds everything", () => {
  for (const key of [{ app: 1 }, { app: 1, _id: 1 }, { _id: 1, app: 1 }, { app: "hashed" }])
    for (const plan of [single, merged]) {
      const danger = shardingDanger("attempts", { key, explained: plan });
      assert.equal(danger?.setting, "shard key of attempts");
      assert.equal(danger?.value, JSON.stringify(key));
      assert.match(danger?.fix ?? "", /reshardCollection/);
    }
});

test("where the key may not be read, one shard must answer", () => {
  for (const plan of [single, express]) assert.equal(shardingDanger("attempts", { key: undefined, explained: plan }), undefined);
  assert.match(shardingDanger("attempts", { key: undefined, explained: merged })?.value ?? "", /asks 2 shards \(rs0, rs1\)/);
  assert.equal(shardingDanger("attempts", { key: undefined, explained: {} })?.value, "unknown");
});
