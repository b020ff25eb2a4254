import assert from "node:assert/strict";
import { test } from "node:test";
import type { NotificationClass } from "../delivery/channel.ts";
import { advertisingWarnings } from "./sms-warnings.ts";

const WHOLE = "(광고) 가게 주말 세일!\n무료수신거부 080-123-4567";
const codes = (text: string, phoneNumber = "+821012345678", notificationClass: NotificationClass = "marketing") =>
  advertisingWarnings({ text }, { notificationClass, phoneNumber }).map(({ code }) => code);

test("advertising to Korea needs its mark at the very beginning, and a free way to refuse", () => {
  assert.deepEqual(codes(WHOLE), []);
  assert.deepEqual(codes(`가게 ${WHOLE}`), ["advertising-mark"]);
  assert.deepEqual(codes(WHOLE.replace("(광고)", "[광고]")), ["advertising-mark"]);
  assert.deepEqual(codes("(광고) 가게 세일"), ["advertising-opt-out"]);
  assert.deepEqual(codes("Sale"), ["advertising-mark", "advertising-opt-out"]);
});

test("what does not advertise, and what goes elsewhere, is not warned of", () => {
  assert.deepEqual(codes("123456", "+821012345678", "critical"), []);
  assert.deepEqual(codes("Ihr Paket", "+4915112345678"), []);
});
