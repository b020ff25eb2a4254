import assert from "node:assert/strict";
import { test } from "node:test";
import { parseApiKey } from "../../core/apps/api-key.ts";
import { createApp } from "../../operations/apps/apps.ts";
import { sha256Hex } from "../../runtime/hash.ts";
import { startTestApi, type TestApi } from "../../test/support/console-api.ts";
import { eventually } from "../../test/support/eventually.ts";
import { loggedActions } from "../../test/support/logged-actions.ts";
import { sampleNotification } from "../../test/support/store/samples.ts";
import type { Accounts } from "../view-accounts.ts";
import type { Apps } from "../view-apps.ts";
import type { Now } from "../view-now.ts";

async function withApp(api: TestApi) {
  const { record } = await createApp(api.store.apps, "shop", ["sms", "email"], { now: Date.now() - 60_000 });
  await api.store.apps.change("shop", (before) => ({
    ...before!,
    limits: { ratePerSecond: 5, smsSenders: ["deals"] },
    accounts: { twilio: "eu" },
  }));
  return record.id;
}
const shop = async (api: TestApi) => (await api.get<Apps>("/api/apps")).apps[0]!;
const log = ({ store }: TestApi) => loggedActions(store);

test("an app is shown with its keys, limits, senders, accounts, webhooks and what it has open", async () => {
  await using api = await startTestApi();
  const id = await withApp(api);
  await api.store.notifications.insert([sampleNotification()]);
  await api.store.webhooks.change("shop", () => [
    { name: "crm", url: "https://crm.example.com/hook?token=abc", secrets: [{ sealed: "s" }], disabled: { at: 7, why: "gone" } },
  ]);
  const app = await shop(api);
  assert.partialDeepStrictEqual(app, {
    id: "shop",
    channels: ["sms", "email"],
    open: 1,
    isOpenCut: false,
    accounts: [{ of: "twilio", account: "eu" }],
  });
  assert.deepEqual(app.limits, [
    { name: "rate", value: "5" },
    { name: "sms-senders", value: "deals" },
  ]);
  assert.partialDeepStrictEqual(app.keys, [{ prefix: `ck_${id}_`, id, state: "valid" }]);
  assert.deepEqual(app.webhooks, [
    { name: "crm", url: "https://crm.example.com/hook?token=abc", state: "disabled", why: "gone", since: 7, secrets: 1 },
  ]);
  assert.equal((await api.asViewer<Apps>("/api/apps")).apps[0]?.webhooks[0]?.url, "crm.example.com");
  assert.equal(JSON.stringify(app).includes(sha256Hex("")), false);
});

const CUTS: readonly (readonly [what: string, apps: number, others: number, areAppsCut: boolean, areAccountsCut: boolean])[] = [
  ["200 apps and 200 accounts are shown as all there are", 200, 0, false, false],
  ["of 201 apps 200 are shown, and every page says so", 201, 0, true, false],
  ["of 201 accounts 200 are shown, and the pages say so", 200, 1, false, true],
];
for (const [what, count, others, areAppsCut, areAccountsCut] of CUTS)
  test(what, async () => {
    await using api = await startTestApi();
    for (let i = 0; i < count; i++) {
      const app = { channels: ["sms" as const], limits: {}, keys: [], accounts: { twilio: `a${i}` } };
      await api.store.apps.change(`app-${String(i).padStart(3, "0")}`, () => app);
    }
    const order = { state: "paused", actor: "ada", reason: "slow", at: 0 } as const;
    for (let i = 0; i < others; i++) await api.store.steering.put({ ...order, target: { kind: "account", value: `vonage/b${i}` } });
    const apps = await api.get<Apps>("/api/apps");
    assert.deepEqual([apps.apps.length, apps.apps.at(-1)?.id, apps.isCut], [200, "app-199", areAppsCut]);
    const [{ body: found }, { body: person }] = [await api.post("/api/find", {}), await api.post("/api/person", {})];
    assert.deepEqual([found.areAppsCut, person.areAppsCut], [areAppsCut, areAppsCut]);
    let now: Now | undefined;
    await eventually("the promises were checked", async () => {
      now = await api.get<Now>("/api/now");
      return now.checked !== undefined;
    });
    assert.deepEqual([now?.checked?.apps, now?.checked?.areAppsCut], [200, areAppsCut]);
    assert.deepEqual([now?.targets.length, now?.areTargetsCut], [400, areAppsCut || areAccountsCut]);
    const accounts = await api.get<Accounts>("/api/accounts");
    assert.deepEqual([accounts.accounts.length, accounts.areAppsCut, accounts.isCut], [200, areAppsCut, areAccountsCut]);
  });

test("a key is made and shown once, and works; the log has its id alone", async () => {
  await using api = await startTestApi();
  await withApp(api);
  const { status, body } = await api.post("/api/keys/create", { app: "shop", days: 30, reason: "A new service" });
  const [key, keyId] = [String(body.key), String(body.keyId)];
  assert.equal(status, 200);
  assert.equal(parseApiKey(key)?.id, keyId);
  assert.equal((await api.store.apps.findByKeyHash(sha256Hex(key)))?.id, "shop");
  const [made] = (await shop(api)).keys;
  assert.equal(made!.expiresAt! - made!.createdAt!, 30 * 86_400_000);
  assert.deepEqual(await log(api), [["mira@example.com", "key create", "app:shop", "A new service", `key ${keyId} made`]]);
  assert.equal(JSON.stringify(await api.store.steering.actions(undefined, 9)).includes(key), false);
  assert.equal(JSON.stringify(await shop(api)).includes(key), false);
});

test("a key is rotated with an overlap, and revoked at once", async () => {
  await using api = await startTestApi();
  const old = await withApp(api);
  const { body } = await api.post("/api/keys/rotate", { app: "shop", keyId: old, overlapHours: 2, days: 0, reason: "A leaver" });
  const rotated = (await shop(api)).keys;
  assert.deepEqual(
    rotated.map(({ id }) => id),
    [body.keyId, old],
  );
  assert.equal(rotated[1]!.expiresAt, rotated[0]!.createdAt! + 2 * 3_600_000);
  await api.post("/api/keys/revoke", { app: "shop", keyId: old, reason: "It leaked" });
  assert.deepEqual(
    (await shop(api)).keys.map(({ state }) => state),
    ["valid", "revoked"],
  );
  assert.deepEqual(
    (await log(api)).map(([, action, , , result]) => [action, result]),
    [
      ["key revoke", `key ${old} revoked`],
      ["key rotate", `key ${body.keyId} made`],
    ],
  );
});

const FAULTS: readonly (readonly [path: string, body: Record<string, unknown>, message: RegExp])[] = [
  ["/api/keys/create", { app: "unknown", reason: "r" }, /^there is no app unknown/],
  ["/api/keys/create", { reason: "r" }, /^app is empty/],
  ["/api/keys/create", { app: "shop\u001b[2J", reason: "r" }, /^app must be 1 to 63 of a-z, 0-9 and -, .*; what is given has 8 characters/],
  ["/api/keys/rotate", { app: "Shop", reason: "r" }, /^app must be 1 to 63 of a-z/],
  ["/api/keys/revoke", { app: "ada@example.com", keyId: "k", reason: "r" }, /^app must be 1 to 63 of a-z/],
  ["/api/keys/create", { app: "shop", reason: "" }, /^reason is empty/],
  ["/api/keys/create", { app: "shop", days: 3_651, reason: "r" }, /^days must be an integer from 0 to 3650/],
  ["/api/keys/rotate", { app: "shop", keyId: "nobody", reason: "r" }, /^app shop has no key nobody/],
  ["/api/keys/rotate", { app: "shop", overlapHours: "24", reason: "r" }, /^overlapHours must be an integer .* of type string/],
  ["/api/keys/revoke", { app: "shop", reason: "r" }, /^keyId is empty/],
];
test("a mistake is named with its field, and no key changes; only operators change keys", async () => {
  await using api = await startTestApi();
  await withApp(api);
  const before = (await shop(api)).keys;
  for (const [path, body, message] of FAULTS) {
    const answer = await api.post(path, body);
    assert.equal(answer.status, 400, path);
    assert.match(answer.body.error!.message, message);
    assert.equal((await api.post(path, { ...body, app: "shop", reason: "r" }, "support")).status, 403);
  }
  assert.deepEqual((await shop(api)).keys, before);
});
