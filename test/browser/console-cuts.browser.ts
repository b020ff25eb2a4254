// What the console says in a real Chromium where it shows less than there is: apps, accounts, a person's changes and endpoints, redrives.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import { endpointId } from "../../adapters/ids.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { userSubject } from "../../core/preferences/opt-out.ts";
import { startTestConsole } from "../support/console.ts";
import { sampleAction } from "../support/store/steering.ts";
import { openPage, startChromium } from "./chromium.ts";

const [APP, USER] = ["app-000", "hana"];
const stack = new AsyncDisposableStack();
let browser: Browser;
let url: string;
before(async () => {
  browser = stack.adopt(await startChromium(), (one) => one.close());
  const store = stack.use(await openStore("sqlite::memory:"));
  for (let i = 0; i < 201; i++) {
    const app = { channels: ["sms" as const], limits: {}, keys: [], accounts: { twilio: `a${i}` } };
    await store.apps.change(`app-${String(i).padStart(3, "0")}`, () => app);
  }
  await store.steering.put({ target: { kind: "account", value: "vonage/b" }, state: "paused", actor: "ada", reason: "slow", at: 0 });
  for (let at = 1; at <= 501; at++)
    await store.preferences.update(APP, userSubject(USER), { optOut: [{ channel: "sms", category: `c${at % 2}` }], origin: {} }, at);
  for (let i = 0; i < 101; i++) {
    const endpoint: Endpoint = { channel: "email", address: `hana${i}@example.com` };
    await store.contacts.register({ app: APP, userId: USER, endpointId: endpointId(endpoint), endpoint, registeredAt: 2 });
  }
  for (let i = 0; i < 11; i++)
    await store.steering.log(sampleAction(`r${i}`, { action: "redrive-group", target: "sms rejected", result: `${i} redriven` }));
  url = stack.use(await startTestConsole(store, { name: "mira@example.com", role: "operator" })).url;
});
after(() => stack.disposeAsync());

const CUTS: readonly (readonly [path: string, ...words: RegExp[]])[] = [
  ["/now", /no older ones, of the first 200 apps of more/],
  ["/apps", /The first 200 apps of more/],
  ["/accounts", /The first 200 accounts of more/, /Of more apps than the console reads/],
  ["/find", /The first 200 apps of more: a key is looked for in these alone/],
  [`/people#app=${APP}&user=${USER}`, /The latest 500 of more/, /The first 100 endpoints of more/, /The first 200 apps of more/],
  ["/dead-letters", /The last ten, and of the last 200 those without a result/],
];
for (const [path, ...words] of CUTS)
  test(`${path} says what it leaves out`, async () => {
    await using opened = await openPage(browser, { viewport: { width: 1_440, height: 900 } });
    await opened.page.goto(`${url}${path}`);
    for (const one of words) await opened.page.getByText(one).first().waitFor();
    assert.deepEqual(opened.faults, []);
  });

test("where targets to pause are missing, the dialog names the command", async () => {
  await using opened = await openPage(browser, { viewport: { width: 1_440, height: 900 } });
  await opened.page.goto(`${url}/now`);
  await opened.page.getByRole("button", { name: /^Pause…/ }).click();
  await opened.page.getByText("There are more apps or accounts than these. Any of them: carillon pause").waitFor();
});
