import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { SteeringRecord } from "../../core/ports/steering-store.ts";
import { readTarget, type Target } from "../../core/steering/target.ts";
import { RelayWorld } from "../../test/support/relay-world.ts";
import type { Circuits, OpenCircuit } from "../status/circuits.ts";
import { type Drain, drain } from "./drain.ts";
import { obstacleWords } from "./obstacles.ts";

const world = new RelayWorld();
beforeEach(async (t) => {
  await world.open();
  if ("after" in t) t.after(() => world.store[Symbol.asyncDispose]());
});
const order = { actor: "ada", reason: "an incident" };
const log = async () => (await world.store.steering.actions(undefined, 9)).map(({ action, target, result }) => [action, target, result]);
const TWILIO = { name: "twilio", channel: "sms" } as const;
const VONAGE = { name: "vonage", channel: "sms" } as const;
const [SENDGRID, MANDRILL, SMTP] = (["sendgrid", "mandrill", "smtp"] as const).map((name) => ({ name, channel: "email" as const }));
const PROVIDERS = [TWILIO, VONAGE, SENDGRID!, MANDRILL!, SMTP!];
const app = (id: string, accounts: Record<string, string>) =>
  world.store.apps.change(id, () => ({ id, channels: ["sms"], limits: {}, keys: [], accounts }));
/** What stands before the drain. */
const stands = (target: string, over: Partial<SteeringRecord>): Promise<boolean> =>
  world.store.steering.put({
    ...{
      target: readTarget(
        target,
        PROVIDERS.map(({ name }) => name),
      ) as Target,
      state: "paused",
      actor: "bob",
      reason: "his",
      at: 0,
    },
    ...over,
  });
const NONE: Circuits = { notClosed: [], closed: [] };
const NO_CREDIT: OpenCircuit = {
  ...{ channel: "sms", account: "vonage/default", part: "account", state: "open", since: 0, until: 60_000 },
  reason: { code: "misconfigured", detail: "no-credit, ask +15550100117" },
};
const open = (over: Partial<OpenCircuit> = {}): Circuits => ({ notClosed: [{ ...NO_CREDIT, ...over }], closed: [] });
const drainBy = (of: Partial<Drain> = {}, circuits: Circuits | { why: string } = NONE) =>
  drain(
    { store: world.store, providers: PROVIDERS, circuits: async () => circuits },
    { from: TWILIO, to: VONAGE, ...{ mayChangeAccount: false, mayWait: false, mayReplace: false }, ...order, ...of },
  );

test("a drain changes nothing where apps would send by an account of another name, unless it may", async () => {
  await app("shop", {});
  await app("eu", { twilio: "eu" });
  const refused = await drainBy();
  assert.deepEqual([refused.done, refused.moved], [false, [{ app: "eu", from: "twilio/eu", to: "vonage/default" }]]);
  assert.deepEqual([await world.store.steering.list(), await log()], [[], []]);
  assert.equal((await drainBy({ mayChangeAccount: true })).done, true);
  assert.equal((await world.store.steering.list())[0]?.state, "drained");
  assert.deepEqual(await log(), [["drain", "account:twilio to vonage", "drained; 1 apps change to an account of another name"]]);
});

test("a provider of another channel, the same one, and an account that nothing names are refused", async () => {
  await app("shop", { twilio: "main" });
  await assert.rejects(drainBy({ to: SENDGRID! }), /a drain needs another provider of sms: sendgrid is of email/);
  await assert.rejects(drainBy({ to: TWILIO }), /twilio is the same/);
  await assert.rejects(drainBy({ from: { ...TWILIO, account: "mian" } }), /no app is sent by twilio\/mian; did you mean twilio\/main\?/);
  assert.deepEqual(await log(), []);
});

const WAITING: readonly (readonly [
  what: string,
  circuits: Circuits,
  standing: [string, Partial<SteeringRecord>] | undefined,
  words: RegExp | undefined,
])[] = [
  [
    "the other account's circuit is open",
    open(),
    undefined,
    /^the circuit of vonage\/default opened at 1970-\S+ \(misconfigured: no-credit, ask …\), and the next probe is at/,
  ],
  ["it is half-open", open({ state: "half-open" }), undefined, /and the next delivery is its probe$/],
  ["only a country is rejected there", open({ part: "country +82" }), undefined, undefined],
  ["an account that serves none of the apps has an open circuit", open({ account: "vonage/eu" }), undefined, undefined],
  ["the other provider is paused", NONE, ["vonage", {}], /^account:vonage is paused, ordered by bob at 1970-\S+ \(reason: his\)$/],
  ["the other account is paused", NONE, ["vonage/default", {}], /^account:vonage\/default is paused/],
  ["another account of the other provider is paused", NONE, ["vonage/eu", {}], undefined],
  ["the channel is paused", NONE, ["channel:sms", {}], /^channel:sms is paused/],
  ["another channel is paused", NONE, ["channel:email", {}], undefined],
  ["an account of the drained provider is paused, which counts more", NONE, ["twilio/default", {}], /^account:twilio\/default is paused/],
  ["an account of the drained provider is drained", NONE, ["twilio/default", { state: "drained", to: "vonage" }], undefined],
  ["the other provider was resumed", NONE, ["vonage", { state: "resumed" }], undefined],
];
for (const [what, circuits, standing, words] of WAITING)
  test(`deliveries ${words ? "would" : "would not"} wait where ${what}`, async () => {
    if (standing) await stands(...standing);
    const report = await drainBy({}, circuits);
    assert.equal(report.done, words === undefined);
    if (words === undefined) return assert.deepEqual(obstacleWords(report.waits), []);
    assert.match(obstacleWords(report.waits).join(), words);
    assert.deepEqual(await log(), []);
    assert.equal((await drainBy({ mayWait: true }, circuits)).done, true);
    assert.match(String((await log())[0]?.[2]), /^drained; 0 apps change to an account of another name; deliveries may wait: /);
  });

test("what would wait is asked of the accounts that serve the drained account's apps", async () => {
  await app("eu", { sms: "eu" });
  const eu = { from: { ...TWILIO, account: "eu" } };
  assert.equal((await drainBy(eu, open())).done, true, "the default account serves none of them");
  await world.store.steering.remove((await world.store.steering.list())[0]!);
  assert.equal((await drainBy(eu, open({ account: "vonage/eu" }))).done, false);
});

test("mails that are drained to a provider that is drained itself would wait, though a third one may take them", async () => {
  await stands("mandrill", { state: "drained", to: "smtp" });
  const report = await drainBy({ from: SENDGRID!, to: MANDRILL! });
  assert.deepEqual([report.done, report.waits.orders.map(({ to }) => to)], [false, ["smtp"]]);
});

test("drains that would form a ring are refused, whatever may be", async () => {
  const all = { mayWait: true, mayChangeAccount: true, mayReplace: true };
  await app("eu", { twilio: "eu" });
  await stands("vonage", { state: "drained", to: "twilio" });
  const ring = "the drains would form a ring, by which nobody sends:";
  await assert.rejects(drainBy(all), {
    message: `${ring} twilio/default to vonage/default to twilio/default; resume account:vonage first`,
  });
  await assert.rejects(
    drainBy({ ...all, from: { ...TWILIO, account: "eu" } }),
    new RegExp(`${ring} twilio/eu to vonage/default to twilio/eu;`),
  );
  await stands("smtp", { state: "drained", to: "sendgrid" });
  await stands("mandrill/default", { state: "drained", to: "smtp" });
  await assert.rejects(
    drainBy({ ...all, from: SENDGRID!, to: MANDRILL! }),
    new RegExp(`${ring} sendgrid/default to mandrill/default to smtp/default to sendgrid/default; resume account:smtp first`),
  );
  assert.deepEqual(await log(), []);
});

test("another account of the same provider, which is drained elsewhere, makes no ring", async () => {
  await app("eu", { sms: "eu" });
  await stands("vonage/default", { state: "drained", to: "twilio" });
  assert.equal((await drainBy({ from: { ...TWILIO, account: "eu" } })).done, true);
});

test("a drain has to be allowed to replace what stands for the same account, and says what that was", async () => {
  await stands("twilio", {});
  const refused = await drainBy();
  assert.deepEqual([refused.done, refused.replaced.map(({ actor }) => actor)], [false, ["bob"]]);
  assert.equal((await drainBy({ mayReplace: true })).done, true);
  assert.match(String((await log())[0]?.[2]), /; account:twilio was paused, ordered by bob at \S+ \(reason: his\)$/);
});

test("circuits that cannot be read stop no drain, and the report says so", async () => {
  const report = await drainBy({}, { why: "Redis does not answer" });
  assert.deepEqual([report.done, report.waits], [true, { circuits: [], orders: [], circuitsUnread: "Redis does not answer" }]);
});
