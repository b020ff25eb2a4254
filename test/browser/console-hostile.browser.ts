// What callers, recipients, providers and operators wrote, as markup that does harm: every screen of the console shows it as text.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { createApp } from "../../operations/apps/apps.ts";
import { pause } from "../../operations/steering/pauses.ts";
import { PROVIDERS } from "../../providers/list.ts";
import { startTestConsole, type TestConsole } from "../support/console.ts";
import { sampleAttempt, sampleContact, sampleNotification } from "../support/store/samples.ts";
import { openPage, startChromium } from "./chromium.ts";
import { requestsElsewhere } from "./page-checks.ts";

const stack = new AsyncDisposableStack();
let browser: Browser;
let served: TestConsole;
after(async () => {
  await browser?.close();
  await stack.disposeAsync();
});

/** Closes whatever it may stand in, and names who wrote it. */
const hostile = (who: string) =>
  `${who}"'></a></style><img src="//evil.example/${who}" onerror="taken()"><a href="javascript:taken()">x</a>`;
const USER = hostile("user");
const ID = "a".repeat(32);

async function fill(store: Store): Promise<void> {
  const now = Date.now();
  await createApp(store.apps, "shop", ["sms", "email", "apns"], { now });
  await store.webhooks.change("shop", () => [{ name: hostile("webhook"), url: "https://crm.example.com/", secrets: [] }]);
  const by = { actor: hostile("actor").slice(0, 100), reason: hostile("reason") };
  await pause({ store, providers: PROVIDERS }, { target: { kind: "channel", value: "email" }, mayReplace: false, ...by });
  await store.contacts.register(sampleContact({ userId: USER, deviceLabel: hostile("label") }));
  const note = sampleNotification([now], {
    ...{ id: ID, idempotencyKey: hostile("key"), recipient: { kind: "user", userId: USER }, category: hostile("category") },
    ...{ acceptedAt: now, sendAt: now, expiresAt: now + 86_400_000, tags: { order: hostile("tag") } },
    content: { sms: { text: hostile("text") } },
  });
  const [delivery] = note.deliveries;
  const reason = { code: "rejected", detail: hostile("provider") } as const;
  await store.notifications.insert([{ ...note, deliveries: [{ ...delivery!, state: "failed", reason, endedAt: now, nextAt: undefined }] }]);
  await store.attempts.claim([sampleAttempt({ deliveryId: delivery!.id, startedAt: now, deadlineAt: now + 10_000 })]);
}

before(async () => {
  browser = await startChromium();
  const store = stack.use(await openStore("sqlite::memory:"));
  await fill(store);
  served = stack.use(await startTestConsole(store, { name: hostile("name"), role: "operator" }));
});

const SCREENS: readonly [path: string, seen: readonly string[]][] = [
  ["/now", ["name", "reason"]],
  ["/find#app=shop", ["name", "user"]],
  [`/notifications/${ID}`, ["name", "user", "key", "tag", "text", "category", "provider"]],
  [`/people#${new URLSearchParams({ app: "shop", user: USER })}`, ["name", "label"]],
  ["/apps", ["name", "webhook"]],
  ["/accounts", ["name"]],
  ["/dead-letters", ["name"]],
];
for (const [path, seen] of SCREENS)
  test(`${path.slice(0, 20)} shows as text what strangers wrote`, async () => {
    await using opened = await openPage(browser);
    const { page, requests } = opened;
    await page.goto(`${served.url}${path}`);
    for (const who of seen) await page.getByText(`${who}"'></a>`).first().waitFor({ state: "attached" });
    const made = "document.querySelectorAll('img, [onerror], script:not([src]), [href^=\"javascript:\"]').length";
    assert.equal(await page.evaluate(made), 0);
    assert.deepEqual(requestsElsewhere(requests, served.url), []);
  });
