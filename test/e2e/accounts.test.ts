// Two apps with accounts of their own in one system: two teams of APNs, two Firebase projects, two Twilio accounts.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Clients, connectGateway } from "../../cli/gateway/connect.ts";
import { SETUP_ENDPOINTS_MIN } from "../../core/delivery/circuit.ts";
import { createApp, setAccounts } from "../../operations/apps/apps.ts";
import { PROVIDERS } from "../../providers/list.ts";
import { eventually } from "../support/eventually.ts";
import { freshEndpoint } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { send, settled, toEndpoint, wentOut } from "./calls.ts";

const CHANNELS = ["apns", "fcm", "sms"] as const;
const SERVED_BY = { apns: "apns", fcm: "fcm", sms: "twilio" } as const;
/** The variable of each provider that holds what proves who calls. */
const SECRET = { apns: "APNS_KEY_FILE", fcm: "FCM_SERVICE_ACCOUNT_FILE", twilio: "TWILIO_API_KEY_SECRET_FILE" } as const;

const accounts = mkdtempSync(join(tmpdir(), "carillon-accounts-"));
after(() => rmSync(accounts, { recursive: true }));

/** As an operator or a mounted Secret replaces it: at once. */
function writeAccount(provider: string, account: string, variables: Record<string, string>): void {
  mkdirSync(join(accounts, provider), { recursive: true });
  const path = join(accounts, provider, `${account}.json`);
  writeFileSync(`${path}.new`, JSON.stringify(variables));
  renameSync(`${path}.new`, path);
}

/** Right, or with the secret of another account. */
function writeAccounts({ sandbox }: TestSystem, account: string, secretsOf = account): void {
  for (const provider of Object.values(SERVED_BY)) {
    const [own, others] = [sandbox.accountEnv(provider, account), sandbox.accountEnv(provider, secretsOf)];
    // Feedback's variables are in the environment of the system.
    writeAccount(provider, account, { ...own, [SECRET[provider]]: secretOf(provider, own, others) });
  }
}

/** A service account names its project itself: of another account's only the key is taken. */
function secretOf(provider: keyof typeof SECRET, own: Record<string, string>, others: Record<string, string>): string {
  const [path, other] = [own[SECRET[provider]]!, others[SECRET[provider]]!];
  if (provider !== "fcm" || path === other) return other;
  mkdirSync(join(accounts, "fcm"), { recursive: true });
  const mixed = join(accounts, "fcm", "mixed-service-account");
  const read = (from: string) => JSON.parse(readFileSync(from, "utf8")) as Record<string, string>;
  writeFileSync(mixed, JSON.stringify({ ...read(path), private_key: read(other).private_key }));
  return mixed;
}

test("two apps with accounts of their own: one's accounts are broken, and the other app, and those of the default accounts, are unharmed", async () => {
  await using system = await startSystem({ PROVIDER_ACCOUNTS_DIR: accounts, SMS_PROVIDERS: "twilio" });
  const { sandbox, store } = system;
  const clientsOf = async (app: string): Promise<Clients> => {
    const { key } = await createApp(store.apps, app, CHANNELS, { now: Date.now() });
    await setAccounts(store.apps, app, Object.fromEntries(CHANNELS.map((channel) => [channel, app])), PROVIDERS);
    return connectGateway(system.gatewayAddress, key);
  };
  using acme = await clientsOf("acme");
  using globex = await clientsOf("globex");
  writeAccounts(system, "acme");
  writeAccounts(system, "globex", "initech");

  const sendTo = (clients: Clients, count: number) =>
    Promise.all(
      CHANNELS.flatMap((channel) =>
        Array.from({ length: count }, async () => {
          const { notificationId } = await send({ clients }, { recipient: toEndpoint(freshEndpoint(channel, sandbox)), channels: [] });
          return notificationId;
        }),
      ),
    );
  const waiting = await sendTo(globex, SETUP_ENDPOINTS_MIN);
  const isMisconfigured = async (id: string) => {
    const [delivery] = (await store.notifications.find(id))?.deliveries ?? [];
    return delivery?.state === "pending" && delivery.attempt > 1 && delivery.reason?.code === "misconfigured";
  };
  await eventually("each of globex's was rejected for its credentials", async () =>
    (await Promise.all(waiting.map(isMisconfigured))).every(Boolean),
  );

  // With the circuits of globex open.
  const [own, byDefault] = [await sendTo(acme, SETUP_ENDPOINTS_MIN), await sendTo(system.clients, 1)];
  const sent = await settled(system, [...own, ...byDefault], { is: wentOut });
  // None was handed back to wait, as behind another account's circuit.
  for (const { id, deliveries } of sent)
    for (const { attempt, publishCount } of deliveries) assert.deepEqual([attempt, publishCount], [1, 1], id);
  const accountsOf = (ids: readonly string[]) =>
    new Set(
      ids.flatMap((id) =>
        sandbox.ledger.entries({ deliveryId: `${id}-0`, accepted: true }).map(({ provider, account }) => `${provider} ${account}`),
      ),
    );
  const named = (account: string) =>
    new Set([
      `apns ${sandbox.accountEnv("apns", account).APNS_TEAM_ID} production`,
      `fcm carillon-${account}`,
      `twilio ${sandbox.accountEnv("twilio", account).TWILIO_ACCOUNT_SID}`,
    ]);
  assert.deepEqual(accountsOf(own), named("acme"));
  assert.deepEqual(
    accountsOf(byDefault),
    new Set([`apns ${sandbox.env.APNS_TEAM_ID} production`, "fcm carillon-sandbox", `twilio ${sandbox.env.TWILIO_ACCOUNT_SID}`]),
  );
  assert.deepEqual(accountsOf(waiting), new Set());

  writeAccounts(system, "globex");
  await settled(system, waiting, { is: wentOut });
  assert.deepEqual(accountsOf(waiting), named("globex"));
  assert.deepEqual(sandbox.ledger.summary().duplicates, {});
});
