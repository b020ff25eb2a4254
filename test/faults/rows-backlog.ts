// The outbox: a campaign that is due at once, beside critical retries.
import { setTimeout as delay } from "node:timers/promises";
import { notificationId } from "../../adapters/ids.ts";
import type { NotificationClass } from "../../core/delivery/channel.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import { freshNumber } from "../support/fresh.ts";
import { scaled } from "./pace.ts";
import { happened, type Row } from "./row.ts";
import type { World } from "./world.ts";

/** Due at once. FAULTS_BACKLOG=200000 for a long run. */
const CAMPAIGN = Number(process.env.FAULTS_BACKLOG ?? 20_000);
const RETRIES = 200;
const INSERT_MAX = 1_000;
/** After this what is left of the campaign expires, ms. */
const CAMPAIGN_MS = 20_000;
const RETRIES_ENDED_MS = 60_000;
const POLL_MS = 100;

function record(app: string, key: string, notificationClass: NotificationClass, dueAt: number, expiresAt: number): NotificationRecord {
  const id = notificationId(app, key);
  const endpoint = { channel: "sms", phoneNumber: freshNumber() } as const;
  return {
    ...{ id, app, idempotencyKey: key, payloadHash: `2:${"0".repeat(64)}`, recipient: { kind: "endpoint", endpoint } },
    ...{ notificationClass, category: "backlog", content: { sms: { text: "hello" } }, priority: "normal" },
    ...{ acceptedAt: dueAt, sendAt: dueAt, expiresAt },
    deliveries: [{ id: `${id}-0`, channel: "sms", endpoint, state: "pending", attempt: 1, publishCount: 0, nextAt: dueAt }],
  };
}

async function dueOfCampaign({ store }: World): Promise<number> {
  return (await store.notifications.dueUnder("marketing.sms.campaign", Date.now(), CAMPAIGN)).count;
}

export const BACKLOG_ROWS: readonly Row[] = [
  {
    name: "outbox-backlog",
    about: `outbox: ${CAMPAIGN.toLocaleString("en")} marketing notifications of one app due at once, beside ${RETRIES} critical ones of another`,
    async inject(world, { say }) {
      const { store } = world;
      const run = `${Date.now()}`;
      const dueAt = Date.now();
      for (let i = 0; i < CAMPAIGN; i += INSERT_MAX) {
        const count = Math.min(INSERT_MAX, CAMPAIGN - i);
        const expiresAt = Date.now() + CAMPAIGN_MS;
        await store.notifications.insert(
          Array.from({ length: count }, (_, k) => record("campaign", `${run}-${i + k}`, "marketing", dueAt, expiresAt)),
        );
      }
      const bank = Array.from({ length: RETRIES }, (_, i) => record("bank", `${run}-${i}`, "critical", Date.now(), Date.now() + 3_600_000));
      await store.notifications.insert(bank);
      const began = performance.now();
      let open = bank.map(({ id }) => id);
      let tookMs = 0;
      while (open.length > 0) {
        if (performance.now() - began > scaled(RETRIES_ENDED_MS))
          throw new Error(`${open.length} critical notifications wait behind the campaign`);
        await delay(POLL_MS);
        const found = await Promise.all(open.map((id) => store.notifications.find(id)));
        open = found.flatMap((n) => (n?.deliveries.some(({ nextAt }) => nextAt !== undefined) ? [n.id] : []));
        tookMs = performance.now() - began;
      }
      const left = await dueOfCampaign(world);
      say(`critical after ${Math.round(tookMs)} ms, ${left} of the campaign still due`);
      const proof = `${happened(left, "of the campaign were still due")} when all ${RETRIES} critical ones had ended, after ${Math.round(tookMs)} ms`;
      await delay(Math.max(0, CAMPAIGN_MS - (performance.now() - began)));
      return proof;
    },
  },
];
