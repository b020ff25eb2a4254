import assert from "node:assert/strict";
import { test } from "node:test";
import { contentToProto } from "../core/content/content.ts";
import type { PushContent } from "../core/content/push-content.ts";
import { notification } from "../test/e2e/calls.ts";
import { toRequest } from "./request.ts";

test("a push is urgent by default, but for marketing and for what only reaches the application", () => {
  const priorityOf = (push: Partial<PushContent>, about = {}) =>
    toRequest(notification({ content: contentToProto({ push: { title: "", body: "", data: { a: "b" }, ...push } }), ...about })).priority;
  assert.deepEqual([priorityOf({ body: "b" }), priorityOf({ badge: 3 })], ["high", "high"]);
  assert.deepEqual([priorityOf({ background: true }), priorityOf({})], ["normal", "normal"]);
  assert.equal(
    toRequest(notification({ content: contentToProto({ push: { title: "", body: "", data: { a: "b" } } }) })).priorityAsHashed,
    "high",
  );
  assert.equal(priorityOf({}, { priority: 3 }), "high", "where the caller asks for it");
  assert.equal(priorityOf({ body: "b" }, { notificationClass: 3 }), "normal");
});

test("a Live Activity's change is urgent by default only with an alert, its start always", () => {
  const priorityOf = (event: "start" | "update" | "end", title = "") =>
    toRequest(notification({ content: contentToProto({ push: { title, body: "", data: {}, liveActivity: { event } } }) })).priority;
  assert.deepEqual([priorityOf("start"), priorityOf("update"), priorityOf("end")], ["high", "normal", "normal"]);
  assert.equal(priorityOf("update", "Boarding"), "high");
});
