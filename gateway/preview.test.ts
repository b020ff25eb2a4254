import assert from "node:assert/strict";
import { after, test } from "node:test";
import { contentToProto } from "../core/content/content.ts";
import type { EmailContent } from "../core/content/email-content.ts";
import { BodyForm, type Notification, type PreviewNotificationResponse, SmsForm } from "../gen/carillon/v1/notification_service.ts";
import { type CallError, isCallError } from "../runtime/call-error.ts";
import { CALLING_APP, createAcceptWorld, smsMessage } from "../test/support/accept-world.ts";
import { handlerParts } from "../test/support/handler-parts.ts";
import { createNotificationHandlers } from "./notification-handlers.ts";
import { PREVIEW_BODY_BYTES_MAX } from "./preview.ts";

const world = await createAcceptWorld();
after(() => world.store[Symbol.asyncDispose]());
const context = {
  ...{ caller: CALLING_APP, signal: new AbortController().signal, deadlineAt: Date.now() + 60_000 },
  traceparent: undefined,
};

async function preview(notification: Notification, setting: Parameters<typeof world.setUp>[0] = {}, caller = CALLING_APP) {
  const { accepting } = world.setUp(setting);
  return createNotificationHandlers(accepting, handlerParts(world.store)).previewNotification({ notification }, { ...context, caller });
}
async function shown(...asked: Parameters<typeof preview>): Promise<PreviewNotificationResponse> {
  const answer = await preview(...asked);
  assert.ok(!isCallError(answer), JSON.stringify(answer));
  return answer;
}
const toMailbox = (address: string, email: Partial<EmailContent>): Partial<Notification> => ({
  recipient: { to: { $case: "endpoint", value: { address: { $case: "emailAddress", value: address } } } },
  content: contentToProto({ email: { subject: "Hi", html: "", text: "", ...email } }),
});

test("answers what a send would, and stores nothing", async () => {
  const before = await world.storedCount();
  const message = smsMessage("sms-1", { content: contentToProto({ sms: { text: "“ready”".repeat(12), flash: true } }) });
  const { accepted, requests } = await shown(message);
  assert.equal(await world.storedCount(), before);
  assert.deepEqual(world.published, []);
  assert.deepEqual(
    accepted?.deliveries.map(({ deliveryId, smsSegments, smsForm }) => [deliveryId, smsSegments, smsForm]),
    [[`${accepted?.notificationId}-0`, 2, SmsForm.SMS_FORM_UCS2]],
  );
  const [sent] = await world.setUp().send(message);
  assert.equal(sent?.kind === "accepted" && sent.record.id, accepted?.notificationId);
  assert.equal((await shown(message)).accepted?.repeatedKey, true);

  const [twilio, vonage, ...more] = requests;
  assert.deepEqual(more, []);
  assert.deepEqual(
    [twilio?.provider, twilio?.notSentReason, vonage?.provider, vonage?.notSentReason],
    ["twilio", { code: "rejected", detail: "flash-not-supported" }, "vonage", undefined],
  );
  assert.deepEqual([twilio?.bodyForm, vonage?.bodyForm], [BodyForm.BODY_FORM_URLENCODED, BodyForm.BODY_FORM_JSON]);
  assert.deepEqual([vonage?.smsSegments, vonage?.smsForm, vonage?.bytesMax], [2, SmsForm.SMS_FORM_UCS2, 0]);
  assert.match(vonage?.warnings[0]?.message ?? "", /2 segments instead of 1/);
  assert.equal(vonage?.warnings[0]?.field, "notification.content.sms.text");
});

test("answers the errors of a send", async () => {
  const faulty = (await preview(smsMessage("no key", { category: "Not This" }))) as CallError;
  assert.deepEqual(
    [faulty.code, faulty.fields?.map(({ field }) => field)],
    ["INVALID_ARGUMENT", ["notification.idempotency_key", "notification.category"]],
  );
  const sender = (await preview(smsMessage("s", { content: contentToProto({ sms: { text: "a", sender: "bank" } }) }))) as CallError;
  assert.deepEqual([sender.code, sender.reason], ["FAILED_PRECONDITION", "SENDER_NOT_ALLOWED"]);
  await world.setUp().send(smsMessage("used"));
  const reused = (await preview(smsMessage("used", { content: contentToProto({ sms: { text: "another" } }) }))) as CallError;
  assert.equal(reused.reason, "KEY_REUSED");
  assert.match(reused.message, /every field as before, also send_at and expires_at/);
});

test("shows no endpoint, token or number", async () => {
  const pushUrl = "https://fcm.googleapis.com/fcm/send/secret-part-of-the-url";
  const secrets = ["4915112345678", "e6a58db1dfeef556", "secret-token-of-a-device", "secret-part", "ada.lovelace"];
  const addresses = [
    { $case: "phoneNumber", value: "+4915112345678" },
    { $case: "apnsToken", value: "e6a58db1dfeef5563899404a48d0a9ea" },
    { $case: "fcmToken", value: "secret-token-of-a-device:1" },
    { $case: "emailAddress", value: "ada.lovelace@example.com" },
  ] as const;
  const content = contentToProto({
    push: { title: "t", body: "b", data: {} },
    sms: { text: "x" },
    email: { subject: "s", html: "", text: "x", cc: [{ address: "bo@example.com" }] },
  });
  for (const address of addresses) {
    const { requests } = await shown(smsMessage(address.$case, { recipient: { to: { $case: "endpoint", value: { address } } }, content }));
    assert.ok(requests.length > 0);
    for (const secret of secrets) assert.ok(!JSON.stringify(requests).includes(secret), `${address.$case}: ${secret}`);
    for (const { headers } of requests) assert.match(headers.authorization ?? "…", /…/);
  }
  await world.store.contacts.register({
    ...{ app: "app", userId: "web", endpointId: "w".repeat(32), registeredAt: world.clock.now() },
    endpoint: { channel: "webpush", pushUrl, p256dh: "secret-part", auth: "secret-part" },
  });
  const { requests } = await shown(smsMessage("web", { recipient: { to: { $case: "userId", value: "web" } }, content }));
  assert.equal(requests[0]?.target, "POST https://fcm.googleapis.com/…-url");
  for (const secret of secrets) assert.ok(!JSON.stringify(requests).includes(secret), secret);
});

test("of a user's devices one of each channel is shown, and those that would get nothing are left out", async () => {
  for (let i = 0; i < 40; i++)
    await world.store.contacts.register({
      ...{ app: "app", userId: "many", endpointId: `${i}`.padStart(32, "0"), registeredAt: world.clock.now() },
      endpoint: i % 2 ? { channel: "apns", token: `${i}`.padStart(64, "a") } : { channel: "fcm", token: `token-of-device:${i}` },
    });
  const message = smsMessage("many", {
    recipient: { to: { $case: "userId", value: "many" } },
    content: contentToProto({ push: { title: "t", body: "b", data: {} } }),
  });
  const of = ({ requests }: PreviewNotificationResponse) =>
    requests.map(({ provider, deliveries }) => `${provider} ${deliveries}`).toSorted();
  assert.deepEqual(of(await shown(message)), ["apns 20", "fcm 20"]);
  const optOuts = {
    check: async (asked: readonly { channel: string }[]) =>
      asked.map((q) => (q.channel === "fcm" ? ("opted-out" as const) : ("allowed" as const))),
  };
  const { accepted, requests } = await shown(message, { optOuts });
  assert.deepEqual(of({ accepted, requests }), ["apns 20"]);
  assert.equal(accepted?.deliveries.filter(({ suppressedReason }) => suppressedReason?.code === "opted-out").length, 20);
});

test("a collapse key and a lifetime are warned of on the channels that have nothing for them", async () => {
  const unsent = async (over: Partial<Notification>) =>
    (await shown(smsMessage("beside", { collapseKey: "order-1", ttlSeconds: 60, ...over }))).requests.map(({ provider, warnings }) =>
      [provider, ...warnings.flatMap(({ code, field }) => (code === "not-sent" ? [field] : []))].join(" "),
    );
  assert.deepEqual(await unsent({}), ["twilio notification.collapse_key", "vonage notification.collapse_key"]);
  const both = "notification.collapse_key notification.ttl_seconds";
  assert.deepEqual(await unsent(toMailbox("ada@example.com", { text: "Hi" })), [`sendgrid ${both}`, `mandrill ${both}`, `smtp ${both}`]);
  const to = { $case: "endpoint", value: { address: { $case: "apnsToken", value: "a".repeat(64) } } } as const;
  const push = contentToProto({ push: { title: "t", body: "b", data: {} } });
  assert.deepEqual(await unsent({ recipient: { to }, content: push }), ["apns"]);
});

test("a class other than the category's is warned of", async () => {
  const warned = async (notificationClass: "transactional" | "marketing" | undefined) => {
    const message = smsMessage("class");
    const category = { name: message.category, labels: {}, default: "opted-in", ...(notificationClass && { notificationClass }) } as const;
    const [first] = (await shown(message, {}, { ...CALLING_APP, categories: [category] })).requests;
    return first?.warnings.filter(({ code }) => code === "class-of-category");
  };
  assert.deepEqual([await warned("transactional"), await warned(undefined)], [[], []]);
  const message = "is transactional, which the notification is sent by; its category was put as marketing";
  assert.deepEqual(await warned("marketing"), [{ code: "class-of-category", field: "notification.notification_class", message }]);
});

test("a large mail is cut, its files are shown as their length, and no character is torn", async () => {
  const html = `<p>${"ü".repeat(60_000)}</p>`;
  const base64 = Buffer.alloc(90_000).toString("base64");
  const attachments = [{ filename: "a.pdf", contentType: "application/pdf", base64 }];
  const large = await shown(smsMessage("large", toMailbox("ada@example.com", { html, attachments })));
  assert.deepEqual(
    large.requests.map(({ provider, bodyCut, bytes, bytesMax }) => [provider, bodyCut, bytes, bytesMax]),
    ["sendgrid", "mandrill", "smtp"].map((provider) => [provider, true, 120_009, 524_288]),
  );
  for (const { body, warnings } of large.requests) {
    assert.ok(Buffer.byteLength(body) <= PREVIEW_BODY_BYTES_MAX && body.isWellFormed() && !body.includes("\ufffd"));
    assert.ok(warnings.some(({ code }) => code === "gmail-cuts"));
  }
  const small = await shown(smsMessage("files", toMailbox("ada@example.com", { text: "see the file", attachments })));
  for (const { body, bodyCut } of small.requests) {
    assert.deepEqual([bodyCut, body.match(/<120000 characters of base64>/g)?.length], [false, 1]);
    assert.ok(!body.includes("AAAA"));
  }
});

test("a mail with a stored file is shown with the file named, and a large mail with what is added to it", async () => {
  const blobId = "ab".repeat(32);
  const stored = { app: CALLING_APP.id, id: blobId, upload: "u", bytes: 17, chunkCount: 1, keepUntil: Number.MAX_SAFE_INTEGER };
  const blobs = { ...world.store.blobs, keep: async () => stored, find: async () => stored };
  const file = { filename: "menu.pdf", contentType: "application/pdf", blobId };
  const withFile = toMailbox("ann@example.org", { text: "x", attachments: [file] });
  const { requests } = await shown(smsMessage("stored", withFile), { blobs });
  assert.deepEqual(
    requests.map(({ provider, notSentReason }) => [provider, notSentReason]),
    ["sendgrid", "mandrill", "smtp"].map((name) => [name, undefined]),
  );
  for (const text of ["x", "x".repeat(9_000)]) {
    const low = { ...toMailbox("ann@example.org", { text }), priority: 1 as const };
    for (const { provider, body } of (await shown(smsMessage(`low-${text.length}`, low))).requests)
      assert.match(body, /importance/i, `${provider} ${text.length}`);
  }
});
