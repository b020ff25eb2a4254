import assert from "node:assert/strict";
import { openStore } from "../../adapters/store/open-store.ts";
import { readAudit } from "../../operations/audit/read-audit.ts";
import { systemClock } from "../../runtime/clock.ts";
import { settled, wentOut } from "../e2e/calls.ts";
import type { TestSystem } from "./system.ts";

/** What an answer to a send says of what was accepted. */
interface AcceptedIds {
  notificationId: string;
  deliveries: readonly { deliveryId: string }[];
}

/** The sandbox's ledger holds exactly these deliveries, each once, and no promise is broken. @param waitMs for their end */
export async function allArriveOnce(
  { sandbox, storeUrl }: Pick<TestSystem, "sandbox" | "storeUrl">,
  accepted: readonly AcceptedIds[],
  waitMs: number,
): Promise<void> {
  const records = await settled(
    { storeUrl },
    accepted.map((a) => a.notificationId),
    { waitMs },
  );
  for (const { deliveries } of records) for (const d of deliveries) assert.ok(wentOut(d), `${d.channel}: ${d.state}, ${d.reason?.code}`);
  const taken = sandbox.ledger.acceptances();
  const ids = accepted.flatMap((a) => a.deliveries.map((d) => d.deliveryId));
  assert.deepEqual(new Map([...taken].sort()), new Map(ids.sort().map((id) => [id, 1])));
  await using store = await openStore(storeUrl);
  const audit = await readAudit({ store, clock: systemClock }, { taken: sandbox.ledger.acceptances(), accepted: new Set(ids) });
  assert.deepEqual(
    audit.checks.filter((c) => !c.holds),
    [],
  );
  assert.equal(audit.open, 0);
}
