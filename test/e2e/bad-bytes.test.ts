// Requests as no client library encodes them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { status } from "@grpc/grpc-js";
import { Notification, NotificationServiceService, SendNotificationRequest } from "../../gen/carillon/v1/notification_service.ts";
import { PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { notification, rejectionOf } from "./calls.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem();
});
after(async () => {
  await system?.[Symbol.asyncDispose]();
});

const field = (number: number, content: Uint8Array) => new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(content).finish();
const encoded = (about: Parameters<typeof notification>[0] = {}) => Notification.encode(notification(about)).finish();
const asBytes = { requestSerialize: (bytes: Buffer) => bytes };
const batch = (...items: Uint8Array[]) =>
  callUnary(
    system.clients.notifications,
    { ...NotificationServiceService.batchSendNotifications, ...asBytes },
    Buffer.concat(items.map((item) => field(1, item))),
  );
const sendBytes = (bytes: Uint8Array) =>
  callUnary(system.clients.notifications, { ...NotificationServiceService.sendNotification, ...asBytes }, Buffer.from(bytes));

/** What may be wrong with the second item of three, and what its answer names. */
const seconds = (value: bigint) => new BinaryWriter().tag(1, WireType.Varint).int64(value).finish();
const nanos = (value: number) => new BinaryWriter().tag(2, WireType.Varint).int32(value).finish();
const broken: [string, () => Uint8Array, string, string][] = [
  ["expires_at in nanoseconds", () => field(10, seconds(1_900_000_000_000_000_000n)), "expires_at", "timestamp.range"],
  ["expires_at in milliseconds", () => field(10, seconds(1_900_000_000_000n)), "expires_at", "timestamp.range"],
  ["expires_at in the year 9999", () => field(10, seconds(253_402_300_799n)), "expires_at", "time.horizon"],
  ["expires_at with nanos of two seconds", () => field(10, nanos(2_000_000_000)), "expires_at", "timestamp.range"],
  ["send_at before the year 1", () => field(9, seconds(-(2n ** 63n))), "send_at", "timestamp.range"],
  ["a collapse_key that is no UTF-8", () => field(8, Buffer.from([0xff, 0xfe])), "collapse_key", "string.utf8"],
];
for (const [what, bytes, name, rule] of broken) {
  test(`a batch whose second item has ${what} answers the other two, and names the field`, async () => {
    const { results } = await batch(encoded(), Buffer.concat([encoded(), bytes()]), encoded());
    assert.deepEqual(
      results.map(({ result }) => result?.$case),
      ["accepted", "error", "accepted"],
    );
    const [, error] = results.map(({ result }) => result);
    assert.ok(error?.$case === "error");
    assert.deepEqual([error.value.code, error.value.reason], [status.INVALID_ARGUMENT, "INVALID_FIELD"]);
    assert.ok(
      error.value.fields.some((f) => f.field === `notifications[1].${name}` && f.rule === rule),
      JSON.stringify(error.value.fields),
    );
  });
}

test("a title that is no UTF-8 is named, and nothing is stored", async () => {
  const before = await system.stored();
  const push = field(1, Buffer.from([0xff, 0xfe]));
  const invalid = { ...notification(), content: undefined };
  const message = Buffer.concat([Notification.encode(invalid).finish(), field(6, field(1, push))]);
  const rejection = await rejectionOf(sendBytes(field(1, message)));
  assert.deepEqual([rejection.code, rejection.reason], [status.INVALID_ARGUMENT, "INVALID_FIELD"]);
  assert.deepEqual(rejection.fields, [{ field: "notification.content.push.title", rule: "string.utf8", message: "must be valid UTF-8" }]);
  assert.equal(await system.stored(), before);
});

test("the densest item is answered with its field, and the others of its batch are accepted", async () => {
  const pairs = Buffer.alloc(4_000_000, field(3, new Uint8Array()));
  const dense = Buffer.concat([Notification.encode({ ...notification(), content: undefined }).finish(), field(6, field(1, pairs))]);
  const { results } = await batch(encoded(), dense, encoded());
  const [first, second, third] = results.map(({ result }) => result);
  assert.deepEqual([first?.$case, second?.$case, third?.$case], ["accepted", "error", "accepted"]);
  assert.ok(second?.$case === "error");
  // Only what was really wrong: an empty item took its place.
  assert.deepEqual(
    second.value.fields.map((f) => [f.field, f.rule]),
    [["notifications[1].content.push.data", "map.max_pairs"]],
  );
});

test("what is no protobuf is the caller's fault", async () => {
  for (const bytes of [[0x0a, 0x7f], [0x0b], [0x00], [0x0a, 0x02, 0x0a, 0x7f], [0x0d, 0, 0, 0, 0]]) {
    const rejection = await rejectionOf(sendBytes(Buffer.from(bytes)));
    assert.deepEqual([rejection.code, rejection.reason], [status.INVALID_ARGUMENT, "MALFORMED"]);
  }
});

test("an empty request and one with unknown fields are read", async () => {
  const rejection = await rejectionOf(sendBytes(new Uint8Array()));
  assert.deepEqual(
    rejection.fields.map((f) => f.field),
    ["notification"],
  );
  const known = SendNotificationRequest.encode({ notification: notification(), validateOnly: false }).finish();
  const { accepted } = await sendBytes(Buffer.concat([known, field(2_000, Buffer.from("of a newer version"))]));
  assert.ok(accepted);
});

test("too many questions are rejected before they are decoded", async () => {
  const many = Buffer.alloc(1_000_000, field(1, new Uint8Array()));
  const check = { ...PreferenceServiceService.checkPreferences, ...asBytes };
  const rejection = await rejectionOf(callUnary(system.clients.preferences, check, many));
  assert.deepEqual(
    rejection.fields.map((f) => [f.field, f.rule]),
    [["questions", "repeated.max_items"]],
  );
});
