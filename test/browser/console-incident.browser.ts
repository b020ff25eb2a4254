// The incident of docs/incident.md, solved by the console alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Locator } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { type Incident, startIncident } from "../support/incident.ts";
import { assertShown, createSteps } from "../support/steps.ts";
import { useConsole } from "./console.ts";

const REASONS = {
  drain: "Twilio rejects +82",
  pause: "It floods",
  resumeNews: "Its loop is mended",
  resumeTwilio: "Korea is enabled",
};

let incident: Incident;
const { open: openConsole } = useConsole(
  async () => {
    incident = await startIncident();
    return incident;
  },
  () => ({}),
);

test("a country is rejected, an app floods and NATS restarts: the console alone solves it", async () => {
  const steps = createSteps();
  await incident.begin();

  steps.step(
    "Open **Now**",
    "The banner: “SMS by twilio/default for country +82 is not sent”, and what to do. Circuit breakers: Vonage, which would take over by itself, has `no-credit`. " +
      "Apps with the most open: `news`, 300.",
  );
  await using opened = await openConsole("/now");
  const { page } = opened;
  const panel = (name: string) => page.locator(`section[aria-labelledby=${name}]`);
  const row = (of: string, text: string) => panel(of).locator("tbody tr").filter({ hasText: text });
  async function click(target: Locator, what: string, seen?: string): Promise<void> {
    steps.step(`Click **${what}**`, seen);
    await target.click();
  }
  /** The dialog that a button has opened: its reason, its order and its end. @param says what it answers */
  async function order(button: string, reason: string, says: RegExp, seen: string): Promise<void> {
    const dialog = page.getByRole("dialog");
    steps.step(`Fill in **Reason**: ${reason}`);
    await dialog.getByLabel("Reason, for the log of actions").fill(reason);
    await click(dialog.getByRole("button", { name: button, exact: true }), button, seen);
    await dialog.getByRole("status").getByText(says).waitFor();
    await closed();
  }
  async function closed(): Promise<void> {
    const dialog = page.getByRole("dialog");
    await click(dialog.getByRole("button", { name: "Close" }), "Close");
    await dialog.waitFor({ state: "detached" });
  }

  await page.getByRole("heading", { name: "SMS by twilio/default for country +82 is not sent" }).waitFor();
  await row("circuits", "vonage/default").getByText("misconfigured: no-credit").waitFor();
  await row("busiest", "news")
    .first()
    .getByText(/^[23]\d\d$/)
    .waitFor();
  await click(
    page.getByRole("button", { name: "Drain twilio/default…" }),
    "Drain twilio/default…",
    "A dialog: to `vonage`, and then what waits on the channel is made due.",
  );
  await eventually("vonage is chosen", async () => (await page.getByLabel("To which provider").inputValue()) === "vonage");
  assert.equal(await page.getByLabel("Then make due what waits on this channel").isChecked(), true);
  const drain = page.getByRole("dialog");
  steps.step(`Fill in **Reason**: ${REASONS.drain}`);
  await drain.getByLabel("Reason, for the log of actions").fill(REASONS.drain);
  await click(
    drain.getByRole("button", { name: "Drain", exact: true }),
    "Drain",
    "“Nothing was changed. Deliveries would wait”: the circuit of `vonage/default` is open, because it has `no-credit`. Drained to it now, every text would wait.",
  );
  await drain.getByText(/^the circuit of vonage\/default opened at .* \(misconfigured: no-credit\)/).waitFor();
  incident.topUpVonage();
  steps.event("Vonage's credit is topped up, at Vonage. Its circuit stays open until it has taken a first text.");
  await click(drain.getByLabel("Drain all the same: deliveries may wait"), "Drain all the same: deliveries may wait");
  await click(
    drain.getByRole("button", { name: "Drain", exact: true }),
    "Drain",
    "“twilio/default is drained to vonage within 5 s.” Texts arrive once Vonage has taken a first one.",
  );
  await drain
    .getByRole("status")
    .getByText(/^twilio\/default is drained to vonage within 5 s\. .*Then what waits/)
    .waitFor();
  await closed();

  await click(
    row("busiest", "news").getByRole("button", { name: "Pause…" }),
    "Pause… beside news",
    "A dialog: `app:news`, until it is resumed.",
  );
  assert.equal(await page.getByLabel("What to pause").inputValue(), "app:news");
  await order(
    "Pause",
    REASONS.pause,
    /^app:news is paused within 5 s\.$/,
    "“app:news is paused within 5 s.” Letters of `shop` arrive; those of `news` wait.",
  );
  await incident.textsArrive();
  await incident.newsIsHeld();

  await incident.stopNats();
  steps.event(
    "NATS goes away for a restart. Both apps go on sending, and are accepted.",
    "Within seconds, without a click: the banner “NATS cannot be reached”, how many notifications are due, and what to do: start it, even with an empty disk.",
  );
  await page.getByRole("heading", { name: "NATS cannot be reached" }).waitFor();
  await page.getByText(/: [1-9]\d* notifications are due\./).waitFor();
  await page.getByText("What to do: Start NATS, even with an empty disk").waitFor();
  await incident.restartNats();
  steps.event(
    "NATS is back, with its data. Roles connect to it by themselves, and what waited is sent.",
    "“NATS cannot be reached” is gone, and below stands “NATS answers.” The banner says that `news` is paused, how many wait for it, who has paused it and why.",
  );
  await panel("channels").getByText("NATS answers.").waitFor();
  assert.equal(await page.getByRole("heading", { name: "NATS cannot be reached" }).count(), 0);
  const held = page.locator(".banner.held").filter({ hasText: "App news is paused" });
  await held.getByText(/^[1-9]\d* deliveries wait for it to be resumed\.$/).waitFor();
  await held.getByText(`“${REASONS.pause}”`).waitFor();

  incident.mend();
  steps.event("News has mended its loop, and Twilio has enabled Korea.");
  for (const [target, reason, seen] of [
    ["app:news", REASONS.resumeNews, "“app:news is resumed; what waited is sent.”"],
    ["account:twilio/default", REASONS.resumeTwilio, "“account:twilio/default is resumed”: Twilio sends texts again."],
  ] as const) {
    await click(row("paused", target).getByRole("button", { name: "Resume…" }), `Resume… beside ${target}`);
    await order("Resume", reason, new RegExp(`^${target} is resumed; what waited is sent\\.$`), seen);
  }
  steps.event(
    "Everything has arrived.",
    "“Nothing waits.” No banner. Promises: as many have ended as were accepted, `0 open`; no second sends. Who changed what: each order with its reason.",
  );
  await incident.isOver();
  await page.locator(".incidents").waitFor({ state: "detached" });
  await page.getByText(/^Nothing waits\./).waitFor();
  const promise = (title: string) => panel("promises").locator("li").filter({ hasText: title });
  await promise("Nothing accepted is lost")
    .getByText(/^(\d+) accepted = \1 ended \+ 0 open,/)
    .waitFor();
  await promise("Nothing is sent twice").getByText("Held").waitFor();
  for (const reason of Object.values(REASONS)) await panel("log").getByText(`“${reason}”`).first().waitFor();
  await incident.assertLogged("mira@example.com", REASONS);
  assert.deepEqual(opened.faults, []);
  assertShown(new URL("../../docs/incident.md", import.meta.url), "console", steps);
});
