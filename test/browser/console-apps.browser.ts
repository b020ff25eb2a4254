// The console's apps and keys in a real Chromium: a key is made, used, rotated and revoked.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ServiceError, status } from "@grpc/grpc-js";
import { connectGateway } from "../../cli/gateway/connect.ts";
import type { Role } from "../../console/session.ts";
import { setLimits } from "../../operations/apps/apps.ts";
import { mail, send, toEndpoint } from "../e2e/calls.ts";
import { eventually } from "../support/eventually.ts";
import type { TestSystem } from "../support/system.ts";
import type { openPage } from "./chromium.ts";
import { useConsole } from "./console.ts";
import { checkSight, draw, requestsElsewhere, THEMES, WIDTHS } from "./page-checks.ts";

let system: TestSystem;
const { open, urlOf } = useConsole({}, async (started) => {
  system = started;
  const { store } = started;
  await setLimits(store.apps, "demo", {
    ratePerSecond: 500,
    smsSenders: ["deals", "codes"],
    dailyMax: { sms: { marketing: 10_000 } },
  });
  await store.webhooks.change("demo", () => [
    { name: "crm", url: "https://crm.example.com/preferences", secrets: [{ sealed: "sealed" }] },
    { name: "old", url: "https://old.example.com/", secrets: [{ sealed: "sealed" }], disabled: { at: Date.now() - 60_000, why: "gone" } },
  ]);
  return {};
});

async function openApps(role: Role = "operator", options: Parameters<typeof openPage>[1] = {}) {
  const opened = await open("/apps", role, options);
  await opened.page.locator("table.keys-of-app tbody tr").first().waitFor();
  return opened;
}

const isAdmitted = async (key: string): Promise<boolean> => {
  await using clients = connectGateway(system.gatewayAddress, key);
  return await send({ clients }, { recipient: toEndpoint(mail("ada@example.com")) }).then(
    () => true,
    (error: ServiceError) => {
      if (error.code === status.UNAUTHENTICATED) return false;
      throw error;
    },
  );
};

test("a key is made and shown once, sends, is rotated, and is revoked", async () => {
  await using opened = await openApps();
  const { page } = opened;
  const check = (what: string) => checkSight(page, what);
  const confirm = async (button: string, reason: string) => {
    await page.getByLabel("Reason, for the log of actions").fill(reason);
    await page.getByRole("button", { name: button, exact: true }).click();
    await page.getByRole("status").waitFor();
  };
  const close = (name = "I have stored it") => page.getByRole("button", { name }).click();
  await page.getByRole("button", { name: "New key…" }).click();
  await page.getByLabel(/^Days until/).fill("30");
  await confirm("Make a key", "A new service");
  const key = await page.getByLabel("Key", { exact: true }).inputValue();
  assert.match(key, /^ck_[0-9a-z]{8}_/);
  // Twice, because a browser may close a dialog at the second one whatever a page says.
  for (const _ of [1, 2]) await page.keyboard.press("Escape");
  await page.getByText(/^It stays open, because the key is shown this once/).waitFor();
  assert.equal(await page.getByLabel("Key", { exact: true }).inputValue(), key);
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByText("Copied", { exact: true }).waitFor();
  // As where the page may not use the clipboard's API: the key is selected, for the browser's own command or the person's.
  await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
  await page.getByRole("button", { name: "Copy" }).click();
  const selected = "(({ value, selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd))(document.activeElement)";
  await eventually("the key is selected", async () => (await page.evaluate(selected)) === key);
  await check("the new key");
  await close();
  assert.equal(await page.getByText(key).count(), 0);
  await eventually("it is admitted", () => isAdmitted(key));

  const rows = page.locator("table.keys-of-app tbody tr");
  const made = rows.filter({ hasText: key.slice(0, 12) });
  await made.getByRole("button", { name: "Rotate…" }).click();
  await page.getByLabel(/^Hours for which/).fill("1");
  await confirm("Rotate", "A leaver");
  const next = await page.getByLabel("Key", { exact: true }).inputValue();
  assert.notEqual(next, key);
  await close();
  assert.equal(await isAdmitted(key), true, "for the overlap");
  await eventually("the new one is admitted", () => isAdmitted(next));

  await made.getByRole("button", { name: "Revoke…" }).click();
  await confirm("Revoke", "It leaked");
  await close("Close");
  await made.getByText("Revoked", { exact: true }).waitFor();
  await eventually("it is refused", async () => !(await isAdmitted(key)));
  const actions = await system.store.steering.actions(undefined, 3);
  assert.deepEqual(
    actions.map(({ actor, action, reason }) => [actor, action, reason]),
    [
      ["mira@example.com", "key revoke", "It leaked"],
      ["mira@example.com", "key rotate", "A leaver"],
      ["mira@example.com", "key create", "A new service"],
    ],
  );
  assert.deepEqual(opened.faults, []);
});

test("a viewer sees no URL of a webhook and no button that works", async () => {
  await using opened = await openApps("viewer");
  const { page } = opened;
  await page.getByText("crm.example.com", { exact: true }).waitFor();
  assert.equal((await page.locator("body").innerText()).includes("/preferences"), false);
  for (const name of ["New key…", "Pause…", "Revoke…", "Rotate…"])
    assert.equal(await page.getByRole("button", { name }).first().isDisabled(), true, name);
});

/** Names in the console's navigation that are not all within the window. */
const cutTabs = (page: Awaited<ReturnType<typeof openApps>>["page"]) =>
  page.evaluate(
    "[...document.querySelectorAll('.nav a')].filter((a) => { const { left, right } = a.getBoundingClientRect(); return left < 0 || right > innerWidth; }).map((a) => a.textContent)",
  );

test("axe finds nothing serious, nothing scrolls sideways, and keys lead there", async () => {
  const url = urlOf("operator");
  for (const colorScheme of THEMES)
    for (const width of WIDTHS) {
      await using opened = await openApps("operator", { colorScheme, viewport: { width, height: 900 } });
      const { page, requests, faults } = opened;
      const check = (what: string) => checkSight(page, `${what}, ${colorScheme}, ${width}`);
      await check("Apps");
      assert.deepEqual(await cutTabs(page), [], `${colorScheme}, ${width}`);
      if (width === WIDTHS[0]) await draw(page, `console-apps-${colorScheme}`);
      await page.getByRole("button", { name: "New key…" }).click();
      await page.getByRole("dialog").waitFor();
      await check("the key dialog");
      await page.keyboard.press("Escape");
      // A closed one has the keys until it is gone.
      await page.locator("dialog").waitFor({ state: "detached" });
      await page.keyboard.press("g");
      await page.keyboard.press("n");
      await page.waitForURL("**/now");
      await page.locator("h1").waitFor();
      await page.keyboard.press("g");
      await page.keyboard.press("a");
      await page.waitForURL("**/apps");
      assert.deepEqual(requestsElsewhere(requests, url), []);
      assert.deepEqual(faults, []);
    }
});
