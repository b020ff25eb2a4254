import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import type { Endpoint } from "./endpoint.ts";
import { unknownNeeds } from "./needs.ts";
import { toTask } from "./task.ts";

const needsOf = (endpoint: Endpoint, over: object = {}) => {
  const n = sampleNotification("n", 0, over);
  return toTask(n, { ...n.deliveries[0]!, channel: endpoint.channel, endpoint }).needs;
};

test("a task needs what an earlier dispatcher would not know of its endpoint and app", () => {
  const token = { channel: "apns", token: "ab" } as const;
  assert.deepEqual(needsOf(token), []);
  assert.deepEqual(needsOf({ ...token, application: "com.example.shop" }), ["apns-application"]);
  assert.deepEqual(needsOf({ ...token, environment: "development" }), ["apns-environment"]);
  const all = needsOf({ ...token, application: "a", environment: "development" }, { hasOwnAccounts: true, contentHashes: { push: "h" } });
  assert.deepEqual(all, ["content-by-reference", "app-accounts", "apns-application", "apns-environment"]);
  assert.deepEqual(unknownNeeds(all), []);
});
