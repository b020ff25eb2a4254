// One click unsubscribes: from the mail that a provider was given, through feedback, to the next mail.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import { contentToProto } from "../../core/content/content.ts";
import type { EmailContent } from "../../core/content/email-content.ts";
import type { Category } from "../../core/preferences/category.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { type Notification, NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import { fresh } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { CRITICAL, mail, register, rejectionOf, send, settled, toEndpoint, toUser, wentOut } from "./calls.ts";

const MARKETING = NotificationClass.NOTIFICATION_CLASS_MARKETING;
const CATEGORIES: Category[] = [
  { name: "newsletter", labels: { en: { title: "Newsletter" } }, default: "opted-in" },
  { name: "reminders", labels: { en: { title: "Reminders" } }, default: "opted-in", unsubscribeTransactional: true },
];

let system: TestSystem;
before(async () => {
  system = await startSystem();
  await system.store.apps.change("demo", (app) => ({ ...app!, categories: CATEGORIES }));
});
after(() => system?.[Symbol.asyncDispose]());

const letter = (over: Partial<EmailContent> = {}, about: Partial<Notification> = {}): Partial<Notification> => ({
  ...{ notificationClass: MARKETING, category: "newsletter" },
  content: contentToProto({ email: { subject: "News", html: "<body><p>a</p></body>", text: "a", ...over } }),
  ...about,
});

/** What SendGrid was given of each delivery of a notification, by address. */
async function mailsOf(about: Partial<Notification>) {
  const { notificationId } = await send(system, about);
  const [record] = await settled(system, [notificationId]);
  const mails = new Map<string, { headers: Record<string, string>; text: string; html: string }>();
  for (const { id } of record!.deliveries)
    for (const { payload } of system.sandbox.ledger.entries({ deliveryId: id })) {
      const { personalizations, content } = payload as SendgridMail;
      const [{ to, headers }] = personalizations;
      mails.set(to[0].email, { headers, text: content[0]!.value, html: content[1]?.value ?? "" });
    }
  return { record: record!, mails };
}
interface SendgridMail {
  personalizations: [{ to: [{ email: string }]; headers: Record<string, string> }];
  content: { value: string }[];
}

const linkIn = ({ headers }: { headers: Record<string, string> }) => /^<(http[^>]+)>$/.exec(headers["List-Unsubscribe"] ?? "")?.[1] ?? "";
const oneClick = (url: string) =>
  fetch(url, { method: "POST", body: new URLSearchParams({ "List-Unsubscribe": "One-Click" }), redirect: "manual" });
const preferencesOf = async (subject: string) => (await system.store.preferences.find("demo", [subject]))[0];

async function reader(): Promise<{ user: string; address: string }> {
  const user = fresh("hana");
  const address = `${user}@example.com`;
  await register(system, user, mail(address));
  return { user, address };
}

test("a marketing mail's link unsubscribes by one click, and reading it changes nothing", async () => {
  const { user, address } = await reader();
  const first = await mailsOf(letter({}, { recipient: toUser(user) }));
  const sent = first.mails.get(address)!;
  const url = linkIn(sent);
  assert.equal(sent.headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
  assert.match(sent.headers["List-Id"] ?? "", /^<newsletter\.demo\.[^\s>]+>$/);
  assert.ok(sent.html.includes(`href="${url}"`) && sent.text.includes(url));
  assert.doesNotMatch(url, new RegExp(user), "no user id stands in the URL");

  for (let times = 0; times < 2; times++) assert.match(await (await fetch(url)).text(), /Unsubscribe from “Newsletter”/);
  assert.equal(await preferencesOf(userSubject(user)), undefined);
  const second = await mailsOf(letter({}, { recipient: toUser(user) }));
  assert.ok(second.record.deliveries.every(wentOut));

  for (let times = 0; times < 2; times++) assert.equal((await oneClick(url)).status, 200);
  const stored = await preferencesOf(userSubject(user));
  assert.deepEqual([stored?.version, stored?.optOuts], [1, [{ channel: "email", category: "newsletter" }]]);
  const [change] = await system.store.preferences.history("demo", userSubject(user), Number.MAX_SAFE_INTEGER, 10);
  assert.deepEqual(change?.origin, { actor: "recipient", source: "one-click", evidence: first.record.id });

  const { record } = await mailsOf(letter({}, { recipient: toUser(user) }));
  assert.deepEqual(
    record.deliveries.map(({ state, reason }) => [state, reason?.code]),
    [["suppressed", "opted-out"]],
  );
  const other = await mailsOf({ ...letter({}, { recipient: toUser(user) }), category: "offers" });
  assert.ok(other.record.deliveries.every(wentOut), "another category is still sent");
});

test("the link of a copy is about the copy's own address, and opts out nobody else", async () => {
  const { user, address } = await reader();
  const copy = `${fresh("boss")}@example.com`;
  const { mails } = await mailsOf(letter({ cc: [{ address: copy }] }, { recipient: toUser(user) }));
  assert.notEqual(linkIn(mails.get(copy)!), linkIn(mails.get(address)!));
  await oneClick(linkIn(mails.get(copy)!));
  assert.equal(await preferencesOf(userSubject(user)), undefined);
  const stored = await preferencesOf(endpointSubject(endpointId(mail(copy))));
  assert.deepEqual(stored?.optOuts, [{ channel: "email", category: "newsletter" }]);
  const next = await mailsOf(letter({ cc: [{ address: copy }] }, { recipient: toUser(user) }));
  assert.deepEqual([...next.mails.keys()], [address]);
});

test("who has an address without a user unsubscribes that address", async () => {
  const address = `${fresh("jo")}@example.com`;
  const { mails } = await mailsOf(letter({}, { recipient: toEndpoint(mail(address)) }));
  await oneClick(linkIn(mails.get(address)!));
  const next = await mailsOf(letter({}, { recipient: toEndpoint(mail(address)) }));
  assert.deepEqual(
    next.record.deliveries.map(({ reason }) => reason?.code),
    ["opted-out"],
  );
});

test("a transactional mail has a link where its category says so, a critical one has none", async () => {
  const { user, address } = await reader();
  const recipient = toUser(user);
  const transactional = { recipient, content: letter().content };
  assert.notEqual(linkIn((await mailsOf({ ...transactional, category: "reminders" })).mails.get(address)!), "");
  assert.equal(linkIn((await mailsOf({ ...transactional, category: "orders" })).mails.get(address)!), "");
  assert.equal(linkIn((await mailsOf({ ...transactional, category: "reminders", notificationClass: CRITICAL })).mails.get(address)!), "");
});

test("what a class does not allow is rejected, and the field is named", async () => {
  const { user } = await reader();
  const recipient = toUser(user);
  for (const about of [letter({ unsubscribe: "none" }), letter({ unsubscribe: "one-click" }, { notificationClass: CRITICAL })]) {
    const { fields } = await rejectionOf(send(system, { ...about, recipient }));
    assert.deepEqual(
      fields.map(({ field }) => field),
      ["notification.content.email.unsubscribe"],
    );
  }
});
