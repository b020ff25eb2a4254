import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import type { AppAccounts } from "../../core/apps/accounts.ts";
import type { Store } from "../../core/ports/store.ts";
import type { AccountValues } from "../../providers/definition.ts";
import { PROVIDERS } from "../../providers/list.ts";
import type { SuppressionList } from "../../providers/transport/suppression-list.ts";
import { readConfig } from "../../runtime/config.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Sandbox } from "../../sandbox/main.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { startTestSandbox } from "../../test/support/raw-client.ts";
import type { UpdatePreferences } from "../preferences/update.ts";
import { type SyncRequest, syncSuppressions } from "./sync.ts";

type ProviderName = "sendgrid" | "mandrill";
const AT = Date.UTC(2026, 0, 5, 12);

let sandbox: Sandbox;
let store: Store;
const clock = createFakeClock(Date.UTC(2026, 1, 1));
before(async () => {
  sandbox = await startTestSandbox({ now: () => Date.UTC(2026, 0, 6) });
  const many = Array.from({ length: 1_001 }, (_, i) => `gone${i}@example.com`);
  const add = (provider: ProviderName, list: string, emails: string[], reason = "") =>
    sandbox.suppress(
      provider,
      emails.map((email) => ({ list, email, reason, at: AT })),
    );
  add("sendgrid", "bounces", many, "550 5.1.1 <gone@example.com> does not exist");
  add("sendgrid", "invalid_emails", ["not an address", "gone1@EXAMPLE.com"], "Mail domain mentioned in email address is unknown");
  add("sendgrid", "spam_reports", ["spam@example.com"]);
  add("sendgrid", "unsubscribes", ["ada@example.com"]);
  add("sendgrid", "blocks", ["blocked@example.com"], "450 later");
  add("mandrill", "hard-bounce", ["gone@example.com"], "550 5.1.1 no such user");
  add("mandrill", "spam", ["spam@example.com"]);
  add("mandrill", "unsub", ["ada@example.com"]);
  add("mandrill", "soft-bounce", ["full@example.com"]);
  add("mandrill", "custom", ["hand@example.com"]);
});
after(() => sandbox[Symbol.asyncDispose]());
beforeEach(async () => {
  store = await openStore("sqlite::memory:");
  await app("shop");
  await app("bank", { email: "bank-eu" });
});
afterEach(() => store[Symbol.asyncDispose]());

const app = (id: string, accounts?: AppAccounts) =>
  store.apps.change(id, () => ({ channels: ["email"], limits: {}, keys: [], ...(accounts ? { accounts } : {}) }));

async function listOf(provider: ProviderName, over: AccountValues = {}): Promise<SuppressionList> {
  const definition = PROVIDERS.find(({ name }) => name === provider)!;
  const open = await definition.suppressions!.load();
  return open({ ...readConfig(definition.variables, sandbox.env), ...over }, { clock });
}

const update: UpdatePreferences = (id, subject, change) => store.preferences.update(id, subject, change, clock.now());

async function sync(provider: ProviderName, over: Partial<SyncRequest> = {}) {
  await using list = await listOf(provider);
  const pages = list.pages(new AbortController().signal);
  return await syncSuppressions({ store, clock }, { provider, account: "default", pages, update, ...over });
}

async function stored() {
  const records = await Array.fromAsync(store.preferences.changedSince(0));
  return {
    blocks: records.flatMap(({ app: id, blocks }) => blocks.map((block) => ({ app: id, ...block }))),
    optOuts: records.flatMap(({ app: id, optOuts }) => optOuts.map((optOut) => ({ app: id, ...optOut }))),
  };
}

test("SendGrid's lists are read page by page; without apply nothing changes", async () => {
  const { apps, unreadable } = await sync("sendgrid", { update: undefined });
  assert.deepEqual(apps, [
    {
      app: "shop",
      counts: {
        stop: { listed: 0, known: 0, missing: 0, oursOnly: 0 },
        complaint: { listed: 1, known: 0, missing: 1, oursOnly: 0 },
        unsubscribe: { listed: 1, known: 0, missing: 1, oursOnly: 0 },
        // One of the invalid ones is a bounced one in another spelling.
        bounce: { listed: 1_001, known: 0, missing: 1_001, oursOnly: 0 },
      },
    },
  ]);
  assert.equal(unreadable, 1);
  assert.deepEqual(await stored(), { blocks: [], optOuts: [] });
});

test("what is missing is imported once, as blocks and choices, with the provider's time and its words without the address", async () => {
  await sync("sendgrid");
  const { blocks, optOuts } = await stored();
  assert.equal(blocks.length, 1_002);
  assert.partialDeepStrictEqual(
    blocks.filter(({ kind }) => kind === "complaint"),
    [{ app: "shop", classes: ["marketing", "transactional"], reason: "spam_reports", source: "sendgrid", at: AT }],
  );
  assert.equal(blocks.find(({ kind }) => kind === "bounce")?.reason, "550 5.1.1 <…> does not exist");
  assert.deepEqual(optOuts, [{ app: "shop", channel: "email", category: "*" }]);
  const again = await sync("sendgrid");
  assert.deepEqual(again.apps[0]?.counts.bounce, { listed: 1_001, known: 1_001, missing: 0, oursOnly: 0 });
  assert.equal((await stored()).blocks.length, 1_002);
});

test("who unsubscribed at the provider is missing as long as a consent of theirs would count more", async () => {
  await sync("sendgrid");
  const [record] = (await Array.fromAsync(store.preferences.changedSince(0))).filter(({ optOuts }) => optOuts.length > 0);
  const news = { channel: "email", category: "news" } as const;
  await store.preferences.update("shop", record!.subject, { consent: [news], origin: {} }, AT);
  assert.equal((await sync("sendgrid")).apps[0]?.counts.unsubscribe.missing, 1);
  assert.deepEqual((await store.preferences.find("shop", [record!.subject]))[0]?.consents, []);
  assert.equal((await sync("sendgrid")).apps[0]?.counts.unsubscribe.missing, 0);
});

test("Mandrill's denylist is read without what expires there or was put there by hand", async () => {
  const { apps } = await sync("mandrill");
  assert.deepEqual(apps[0]?.counts.bounce, { listed: 1, known: 0, missing: 1, oursOnly: 0 });
  const { blocks, optOuts } = await stored();
  assert.deepEqual(blocks.map(({ kind, reason, at }) => [kind, reason, at]).sort(), [
    ["bounce", "550 5.1.1 no such user", AT],
    ["complaint", "spam", AT],
  ]);
  assert.equal(optOuts.length, 1);
});

test("what the store does not confirm ends the import with words, and nothing is written past Redis", async () => {
  await assert.rejects(
    sync("mandrill", { update: async () => undefined }),
    (error) => error instanceof OperatorError && /did not confirm the change/.test(error.message),
  );
  assert.deepEqual(await stored(), { blocks: [], optOuts: [] });
});

test("what only we have is counted: the provider forgot it", async () => {
  const block = { kind: "bounce", reason: "5.1.1", source: "mandrill", at: AT } as const;
  await store.preferences.update("shop", "endpoint:another", { block: [block], origin: {} }, AT);
  const { apps } = await sync("mandrill", { update: undefined });
  assert.equal(apps[0]?.counts.bounce.oursOnly, 1);
});

test("an account's list is for the apps that it serves, or for those that are named", async () => {
  await app("news");
  const of = async (over: Partial<SyncRequest>) => (await sync("mandrill", { update: undefined, ...over })).apps.map((one) => one.app);
  assert.deepEqual(await of({}), ["news", "shop"]);
  assert.deepEqual(await of({ apps: ["news"] }), ["news"]);
  assert.deepEqual(await of({ account: "bank-eu" }), ["bank"]);
});

test("a wrong key is said in words", async () => {
  for (const [provider, variable] of [
    ["sendgrid", "SENDGRID_API_KEY_FILE"],
    ["mandrill", "MANDRILL_API_KEY_FILE"],
  ] as const) {
    await using list = await listOf(provider, { [variable]: "another" });
    await assert.rejects(Array.fromAsync(list.pages(new AbortController().signal)), (error: Error) => {
      assert.ok(error instanceof OperatorError && /401: the API key is wrong/.test(error.message), error.message);
      return true;
    });
  }
});

test("a denylist that is cut off is said to be", async () => {
  await using list = await listOf("mandrill");
  await Array.fromAsync(list.pages(new AbortController().signal));
  assert.equal(list.gap(), undefined);
  sandbox.suppress(
    "mandrill",
    Array.from({ length: 1_000 }, (_, i) => ({ list: "spam", email: `s${i}@example.com`, reason: "", at: AT })),
  );
  await Array.fromAsync(list.pages(new AbortController().signal));
  assert.match(list.gap() ?? "", /1000 entries/);
});
