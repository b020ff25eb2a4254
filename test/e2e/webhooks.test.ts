// An app's endpoint is told of what people refuse, whatever way they say it, also where the relay is killed meanwhile.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { webhookEventId } from "../../adapters/ids.ts";
import { DEV_APP } from "../../cli/dev/dev.ts";
import { contentToProto } from "../../core/content/content.ts";
import { NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import { inboundTextOf } from "../../sandbox/kit/inbound.ts";
import { createAuthority } from "../support/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { fresh, freshNumber } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { startWebhookReceiver, verified } from "../support/webhook-receiver.ts";
import { mail, optOut, phone, register, send, settled, toUser } from "./calls.ts";
import { runCli } from "./cli-process.ts";
import { startRole } from "./role-process.ts";

/** Sends a marketing mail, and unsubscribes by its link. */
async function oneClick(system: TestSystem, user: string): Promise<void> {
  await register(system, user, mail(`${user}@example.com`));
  const { notificationId } = await send(system, {
    ...{ recipient: toUser(user), notificationClass: NotificationClass.NOTIFICATION_CLASS_MARKETING, category: "newsletter" },
    content: contentToProto({ email: { subject: "News", html: "", text: "a" } }),
  });
  const [record] = await settled(system, [notificationId]);
  const [entry] = system.sandbox.ledger.entries({ deliveryId: record!.deliveries[0]!.id });
  const { personalizations } = entry!.payload as { personalizations: [{ headers: Record<string, string> }] };
  const url = personalizations[0].headers["List-Unsubscribe"]!.slice(1, -1);
  const answer = await fetch(url, { method: "POST", body: new URLSearchParams({ "List-Unsubscribe": "One-Click" }) });
  assert.equal(answer.status, 200);
}

/** The ids of what the store's history of preferences holds, of every subject. */
async function idsOfHistory({ store }: TestSystem): Promise<string[]> {
  const ids: string[] = [];
  for await (const { app, subject } of store.preferences.changedSince(0))
    for (const change of await store.preferences.history(app, subject, Number.MAX_SAFE_INTEGER, 100)) ids.push(webhookEventId(change));
  return ids.sort();
}

test("STOP, one click and the API's opt-outs reach an endpoint signed, exactly as the history has them, although the relay is killed", async () => {
  await using system = await startSystem();
  await system.roles.find(({ name }) => name === "relay")![Symbol.asyncDispose]();
  const authority = await createAuthority("hooks");
  const authorityFile = join(system.directory, "hooks-ca.pem");
  writeFileSync(authorityFile, authority.cert);
  await using receiver = await startWebhookReceiver(await authority.issue());
  const set = await runCli(["app", "webhook", "set", DEV_APP, "crm", receiver.url], system.env);
  assert.equal(set.code, 0, set.stderr);
  const secret = set.stdout.trim();
  assert.match(secret, /^whsec_[\w+/]{43}=$/);

  receiver.behave = "hang";
  const env = Object.fromEntries(Object.entries(system.env).map(([name, value]) => [name, value ?? ""]));
  const relayEnv = { ...env, LOG_LEVEL: "info", NODE_EXTRA_CA_CERTS: authorityFile };
  const relay = await startRole("relay", relayEnv);
  await using _relay = relay;
  const [ada, hana, number] = [fresh("ada"), fresh("hana"), freshNumber()];
  await register(system, ada, phone(number));
  await optOut(system, ada, { category: "ads" });
  await oneClick(system, hana);
  await eventually("the endpoint is being called", () => receiver.held() > 0);
  relay.child.kill("SIGKILL");
  await relay.ended;
  for (const text of ["STOP", "START", "STOP"])
    await system.sandbox.webhooks.tellText("twilio", inboundTextOf({ provider: "twilio", from: number, text }));
  receiver.behave = 204;
  await using _next = await startRole("relay", relayEnv);
  await eventually("all are told", async () => (await system.store.webhooks.oldest()) === undefined);

  const expected = await idsOfHistory(system);
  assert.ok(expected.length >= 5, `${expected.length} changes`);
  assert.deepEqual([...new Set(receiver.calls.map(({ id }) => id))].sort(), expected);
  const events = receiver.calls.map((call) => verified(secret, call).data);
  const sources = new Set(events.map(({ source }) => source));
  assert.ok(sources.has("one-click") && sources.has("inbound-sms"), [...sources].join());
  assert.ok(events.some(({ userId }) => userId === ada) && events.some(({ userId }) => userId === hana));
  const stop = events.find(({ source }) => source === "inbound-sms")!;
  assert.deepEqual(stop.userIds, [ada]);
  assert.equal(
    receiver.calls.some(({ body }) => body.includes(number.slice(1))),
    false,
    "no number in the clear",
  );

  const listed = await runCli(["app", "webhook", "list", DEV_APP, "--json"], system.env);
  assert.deepEqual(JSON.parse(listed.stdout), [{ name: "crm", url: receiver.url, state: "active", secrets: 1 }]);
  assert.doesNotMatch(listed.stdout, /whsec|v1\./);
});
