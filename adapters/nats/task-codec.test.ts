import assert from "node:assert/strict";
import { test } from "node:test";
import { APNS_KINDS, type Endpoint } from "../../core/delivery/endpoint.ts";
import { toTask } from "../../core/delivery/task.ts";
import { DeliveryTask as Wire } from "../../gen/carillon/v1/task.ts";
import { backgroundPush, localizedPush, richEmail, richPush, richSms } from "../../test/support/content-samples.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { decodeTask, encodeTask } from "./task-codec.ts";

/** A task as it comes off the queue. */
function carried(over: Parameters<typeof sampleNotification>[2], channel: "apns" | "sms" | "email") {
  const record = sampleNotification("k", 0, over);
  const task = toTask(record, { ...record.deliveries[0]!, channel });
  return { task, decoded: decodeTask(encodeTask(task), "") };
}

test("carries every field of every content", () => {
  for (const push of [richPush(), localizedPush(), backgroundPush(), richPush({ badge: 0 })]) {
    const { task, decoded } = carried({ content: { push } }, "apns");
    assert.deepEqual(decoded?.content.push, push);
    assert.deepEqual(decoded?.needs, task.needs);
  }
  const sms = richSms({ flash: true });
  assert.deepEqual(carried({ content: { sms } }, "sms").decoded?.content.sms, sms);
  assert.deepEqual(carried({ content: { email: richEmail() } }, "email").decoded?.content.email, richEmail());
});

test("tells a lifetime of 0 from none", () => {
  for (const ttlSeconds of [undefined, 0, 60]) assert.equal(carried({ ttlSeconds }, "sms").decoded?.ttlSeconds, ttlSeconds);
});

test("carries the kind of a token beside an endpoint that earlier versions decode, so that their needs give the task back", () => {
  const endpoints: Endpoint[] = [
    ...APNS_KINDS.map((kind) => ({ channel: "apns", token: "ab", application: "com.example.shop", kind }) as const),
    { channel: "fcm", token: "f", kind: "installation" },
  ];
  const record = sampleNotification("k", 0, { content: { push: richPush() } });
  for (const endpoint of endpoints) {
    const task = toTask(record, { ...record.deliveries[0]!, channel: endpoint.channel, endpoint });
    const bytes = encodeTask(task);
    assert.deepEqual(decodeTask(bytes, "")?.endpoint, endpoint);
    assert.equal(Wire.decode(bytes).endpoint?.address?.$case, `${endpoint.channel}Token`);
    assert.equal(
      task.needs.some((need) => need === "apns-voip" || need === "apns-live-activity" || need === "fcm-installation"),
      true,
    );
  }
});
