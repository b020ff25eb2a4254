// Webhooks: before the answer, twice, in the wrong order, never; and with feedback unavailable.
import { setTimeout as delay } from "node:timers/promises";
import type { WebhookAction } from "../../sandbox/main.ts";
import { happened, type Row } from "./row.ts";
import type { World } from "./world.ts";

const WITH_WEBHOOKS = ["twilio", "vonage", "sendgrid", "mandrill"] as const;
const FAULT_MS = 6_000;
const ALWAYS = 100_000;
/** Parts of a delivery's id; about one in five contains one of them. */
const SOME = ["a7", "3e"];

/** Some sends are never answered, so that status queries and receipts resolve them. */
export function leaveSomeUnanswered({ sandbox }: World): void {
  for (const provider of WITH_WEBHOOKS)
    for (const match of SOME) sandbox.faults.order({ provider, match, times: ALWAYS, do: { kind: "no-answer" } });
}

export function tellNothing({ sandbox }: World): void {
  for (const provider of WITH_WEBHOOKS) sandbox.faults.order({ provider, times: ALWAYS, do: { kind: "webhooks", never: true } });
}

const unanswered = ({ sandbox }: World, since: number) => sandbox.ledger.entries({ since }).filter((e) => e.answer === "no answer").length;

/** Changes the webhooks of answered and unanswered sends. */
function row(name: string, about: string, order: Omit<WebhookAction, "kind">, what: string): Row {
  return {
    name,
    about,
    async inject(world) {
      const since = Date.now();
      const before = world.sandbox.webhooks.state();
      leaveSomeUnanswered(world);
      for (const provider of WITH_WEBHOOKS) world.sandbox.faults.order({ provider, times: ALWAYS, do: { kind: "webhooks", ...order } });
      await delay(FAULT_MS);
      const cut = unanswered(world, since);
      world.sandbox.faults.clear();
      const sent = world.sandbox.webhooks.state().told - before.told;
      return `${happened(cut, "sends accepted and never answered")}, ${sent} webhooks ${what}`;
    },
  };
}

export const FEEDBACK_ROWS: readonly Row[] = [
  row(
    "webhooks-early",
    "webhooks: all arrive before the send is answered, and some sends are never answered",
    { early: true },
    "sent early",
  ),
  row(
    "webhooks-twice",
    "webhooks: each arrives twice and the last one first, and some sends are never answered",
    { twice: true, reversed: true },
    "sent",
  ),
  row("webhooks-never", "webhooks: none, and some sends never answered", { never: true }, "sent"),
  {
    name: "webhooks-unheard",
    about: "webhooks: the connection to feedback is cut for 6 s, and some sends are never answered",
    async inject(world) {
      const { feedback } = world.lines;
      const { resets } = feedback.counts;
      leaveSomeUnanswered(world);
      feedback.set({ kind: "cut" });
      await delay(FAULT_MS);
      feedback.set(undefined);
      world.sandbox.faults.clear();
      return happened(feedback.counts.resets - resets, "webhooks cut off");
    },
  },
];
