import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { contentToProto } from "../core/content/content.ts";
import { CONTENT_BOUNDS } from "../core/content/reference.ts";
import type { SmsContent } from "../core/content/sms-content.ts";
import { type AcceptedDelivery, SmsForm } from "../gen/carillon/v1/notification_service.ts";
import {
  type AcceptSetting,
  type AcceptWorld,
  createAcceptWorld,
  mailMessage as mail,
  smsMessage as sms,
  toAnn,
} from "../test/support/accept-world.ts";
import { richEmail } from "../test/support/content-samples.ts";
import { eventually } from "../test/support/eventually.ts";
import { toAccepted } from "./answer.ts";

let world: AcceptWorld;
let store: AcceptWorld["store"];
let published: AcceptWorld["published"];
const setUp = (setting?: AcceptSetting) => world.setUp(setting);

beforeEach(async (t) => {
  world = await createAcceptWorld();
  ({ store, published } = world);
  if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
});

test("stores a large part by reference, once for all notifications with the same content", async () => {
  const { send } = setUp();
  const text = "x".repeat(CONTENT_BOUNDS.inlineBytesMax);
  const results = await send(mail("a", text), mail("b", text), mail("small", "x"));
  const records = await Promise.all(results.map((result) => store.notifications.find(result.kind === "accepted" ? result.record.id : "")));
  const [a, b, small] = records;
  assert.deepEqual(small?.content.email?.text, "x");
  assert.equal(small?.contentHashes, undefined);
  for (const record of [a, b]) {
    assert.deepEqual(record?.content, { sms: { text: "hello" } });
    assert.deepEqual(record?.contentHashes, a?.contentHashes);
    assert.ok(JSON.stringify(record).length < 1_500);
  }
  assert.deepEqual(await store.contents.get("app", a!.contentHashes!.email!), { email: { subject: "s", html: "", text } });
  await eventually("three tasks", async () => published.length === 3);
  for (const task of published.filter(({ deliveryId }) => !deliveryId.startsWith(small!.id))) {
    assert.deepEqual([task.content, task.contentHash, task.needs], [{}, a!.contentHashes!.email, ["content-by-reference"]]);
  }
  const { keepMs, keepStepMs } = CONTENT_BOUNDS;
  assert.equal(await store.contents.purge(a!.expiresAt + keepMs + keepStepMs + 1, 10), 0, "notifications refer to it");
});

test("keeps attachments apart, and their task says that not every dispatcher can send it", async () => {
  const { send } = setUp({ emailFrom: ["@shop.example"] });
  const attachments = [{ filename: "a.bin", contentType: "application/pdf", base64: Buffer.alloc(100_000, 7).toString("base64") }];
  const [result] = await send(sms("k", { ...toAnn, content: contentToProto({ email: richEmail({ attachments }) }) }));
  assert.ok(result?.kind === "accepted", JSON.stringify(result));
  const record = await store.notifications.find(result.record.id);
  assert.deepEqual([record?.content, record?.richApart], [{}, ["email"]]);
  assert.deepEqual((await store.contents.get("app", record!.contentHashes!.email!))?.email, richEmail({ attachments }));
  await eventually("a task for the recipient, cc and bcc", async () => published.length === 3);
  for (const { needs } of published) assert.deepEqual(needs, ["content-by-reference", "rich-email"]);
});

test("says how many segments a text has, and nothing of the sort of a mail", async () => {
  const { send } = setUp();
  const results = await send(sms("one"), sms("two", { content: contentToProto({ sms: { text: "x".repeat(161) } }) }), mail("mail", "x"));
  const segments = results.map((r) => r.kind === "accepted" && toAccepted(r.record, false).deliveries.map((d) => d.smsSegments));
  assert.deepEqual(segments, [[1], [2], [0]]);
});

test("says what an SMS is charged by, also where its content is kept apart, and the same for a repeated key", async () => {
  const { send } = setUp();
  const text = "\u2019".repeat(100);
  const url = "https://img.example/menu.jpg";
  const long = Array.from({ length: 5 }, (_, n) => `${url}?${String(n).padStart(2_000, "x")}`);
  const contents: [SmsContent, charge: Partial<AcceptedDelivery>, isApart?: true][] = [
    [{ text }, { smsForm: SmsForm.SMS_FORM_UCS2, smsSegments: 2 }],
    [
      { text, transliterate: true },
      { smsForm: SmsForm.SMS_FORM_GSM7, smsSegments: 1 },
    ],
    [
      { text: "", mediaUrls: [url] },
      { smsForm: SmsForm.SMS_FORM_MMS, smsSegments: 0 },
    ],
    [{ text, mediaUrls: long }, { smsForm: SmsForm.SMS_FORM_MMS, smsSegments: 0 }, true],
  ];
  for (const repeatedKey of [false, true])
    for (const [i, [content, charge, isApart = false]] of contents.entries()) {
      const [result] = await send(sms(`charge-${i}`, { content: contentToProto({ sms: content }) }));
      assert.ok(result?.kind === "accepted" && result.repeatedKey === repeatedKey, JSON.stringify(result));
      assert.equal(result.record.contentHashes !== undefined, isApart);
      assert.partialDeepStrictEqual(toAccepted(result.record, repeatedKey).deliveries, [{ ...charge, smsDestination: "+49" }]);
    }
});

test("answers a repeated key with a large content as the first time, and rejects another content under that key", async () => {
  const { send } = setUp();
  const text = "x".repeat(CONTENT_BOUNDS.inlineBytesMax);
  const [first] = await send(mail("k", text));
  const [again, other] = [(await send(mail("k", text)))[0], (await send(mail("k", `${text}y`)))[0]];
  assert.ok(first?.kind === "accepted" && again?.kind === "accepted" && again.repeatedKey);
  assert.deepEqual(toAccepted(again.record, false), toAccepted(first.record, false));
  assert.ok(other?.kind === "rejected" && other.error.reason === "KEY_REUSED");
});

test("stores no notification whose content could not be stored", async () => {
  const contents = { ...store.contents, put: () => Promise.reject(new Error("away")) };
  const [result] = await setUp({ contents }).send(mail("k", "x".repeat(CONTENT_BOUNDS.inlineBytesMax)));
  assert.ok(result?.kind === "rejected" && result.error.code === "UNAVAILABLE");
  assert.equal((await store.notifications.count()).notifications, 0);
});

test("leaves only a content when it is interrupted between the two writes", async () => {
  const insert = () => Promise.reject(new Error("died"));
  await setUp({ notifications: { ...store.notifications, insert } }).send(mail("k", "x".repeat(CONTENT_BOUNDS.inlineBytesMax)));
  assert.equal((await store.notifications.count()).notifications, 0);
  assert.equal(await store.contents.purge(Number.MAX_SAFE_INTEGER, 10), 1);
});
