import { channelToProto } from "../../adapters/wire/convert.ts";
import { contentToProto } from "../../core/content/content.ts";
import type { EmailContent } from "../../core/content/email-content.ts";
import type { Channel } from "../../core/delivery/channel.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { type Notification, NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import { mail, phone, register, send, settled, toEndpoint, toUser } from "../e2e/calls.ts";
import type { TestSystem } from "../support/system.ts";

// One shop and its messages, the same each time: pictures of the inbox show them.

/** What the shop's system sends its mails from. */
export const SHOP_ENV = { EMAIL_FROM: "orders@carillon.dev", EMAIL_FROM_NAME: "Juniper Books" };

const RECEIPT = `<!doctype html><html lang="en"><title>Your receipt for order 1000</title><body style="margin:0;padding:28px;font:15px/1.6 Georgia,serif;color:#222;background:#fff">
<main style="max-width:460px;margin:auto"><p style="color:#1f5c4a;font-weight:bold;letter-spacing:.04em">JUNIPER BOOKS</p>
<h1 style="font-size:22px;font-weight:normal;margin:20px 0 12px">Thank you, Ada.</h1><p>The parcel leaves today; we write again when it is near.</p>
<table style="width:100%;border-collapse:collapse;margin:20px 0"><tr><td style="padding:8px 0;border-top:1px solid #ddd">The Bell Founders<td style="border-top:1px solid #ddd;text-align:right">21.00
<tr><td style="padding:8px 0;border-top:1px solid #ddd">A Winter Atlas<td style="border-top:1px solid #ddd;text-align:right">17.00
<tr><td style="padding:8px 0;border-top:1px solid #222"><b>Total, EUR</b><td style="border-top:1px solid #222;text-align:right"><b>38.00</b></table>
<p style="font-size:13px;color:#555">You get this because you ordered at shop.example.com.</p></main>`;

export const RECEIPT_TEXT = `Thank you, Ada.

The parcel leaves today; we write again when it is near.

  The Bell Founders   21.00
  A Winter Atlas      17.00
  Total, EUR          38.00`;

export const KOREAN_CODE =
  "[주니퍼 서점] 서하나 님의 인증번호는 482987입니다. 5분 안에 입력해 주세요. 본인이 요청하지 않았다면 이 문자를 무시하셔도 됩니다. 누구에게도 번호를 알려 주지 마세요.";

/** Waits until every delivery has gone out or ended: the list is then in the order of the calls. */
async function sent(system: TestSystem, about: Partial<Notification>): Promise<string> {
  const { notificationId } = await send(system, about);
  await settled(system, [notificationId], { is: ({ state }) => state !== "pending" });
  return notificationId;
}

export const sendMail = (system: TestSystem, to: string, email: Partial<EmailContent> = {}, about: Partial<Notification> = {}) =>
  sent(system, {
    recipient: toEndpoint(mail(to)),
    content: contentToProto({ email: { subject: "Hello", html: "", text: "It works.", ...email } }),
    ...about,
  });

export const sendText = (system: TestSystem, to: string, text: string, about: Partial<Notification> = {}) =>
  sent(system, { recipient: toEndpoint(phone(to)), content: contentToProto({ sms: { text } }), ...about });

export const sendPush = (system: TestSystem, to: Endpoint, body: string, about: { clickUrl?: string } = {}) =>
  sent(system, {
    recipient: toEndpoint(to),
    content: contentToProto({ push: { title: "Your order is on its way", body, data: {}, ...about } }),
  });

export const MARKETING = NotificationClass.NOTIFICATION_CLASS_MARKETING;

export const APNS: Endpoint = { channel: "apns", token: "e6a58db1dfeef5563899404a48d0a9ea71357f17377d65aba04d3db539dbc757" };
export const FCM: Endpoint = { channel: "fcm", token: "fcm-bela-9f53ee729d60189cc378da26" };

/** To a user who has this endpoint alone on the channel. */
async function toOneOf(system: TestSystem, user: string, endpoint: Endpoint): Promise<Partial<Notification>> {
  await register(system, user, endpoint);
  const channels: Channel[] = [endpoint.channel];
  return { recipient: toUser(user), channels: channels.map(channelToProto) };
}

/** The messages of the pictures, the oldest first: one of them rejected by a fault that stands for two more. @param receiptKey the last one's, not used before */
export async function sendShopMessages(system: TestSystem, receiptKey: string): Promise<void> {
  const { sandbox } = system;
  const laptop: Endpoint = { channel: "webpush", ...sandbox.webPushSubscription("dana-laptop") };
  await sendMail(
    system,
    "emil@example.com",
    {
      subject: "Five books for December",
      text: "Our booksellers chose them for long evenings. Unsubscribe with one click at the end of this mail.",
    },
    { notificationClass: MARKETING, category: "newsletter" },
  );
  await sendText(system, "+15550100101", "482913 is your code. It is good for 5 minutes.");
  await sendPush(system, laptop, "Parcel 1003 arrives today.", { clickUrl: "https://shop.example.com/orders/1003" });
  const region = { status: 400, code: 21408, message: "Permission to send an SMS has not been enabled for the region" };
  sandbox.faults.order({ provider: "twilio", match: "+15550100117", times: 3, do: { kind: "answer", status: 400, body: region } });
  await send(system, { recipient: toEndpoint(phone("+15550100117")), content: contentToProto({ sms: { text: "482914 is your code." } }) });
  await sandbox.ledger.arrived({ provider: "twilio", accepted: false }, 1);
  await sendPush(system, FCM, "Parcel 1001 arrives today.");
  await sendText(system, "+15550100142", KOREAN_CODE);
  await sendPush(system, APNS, "Parcel 1000 arrives today.");
  await sendMail(
    system,
    "ada@example.com",
    { subject: "Your receipt for order 1000", html: RECEIPT, text: RECEIPT_TEXT },
    {
      ...(await toOneOf(system, "ada", mail("ada@example.com"))),
      idempotencyKey: receiptKey,
    },
  );
  await sandbox.webhooks.settled();
}
