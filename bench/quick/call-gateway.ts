import type { Work } from "../compare/rounds.ts";
import type { Program } from "../program.ts";
import type { LoadOrder, LoadResult } from "../programs/load.ts";

/** Notifications of one batch call. */
export const BATCH = 100;
/** Calls in flight. */
const UNARY_IN_FLIGHT = 128;
const BATCH_IN_FLIGHT = 8;

/** Sends the notifications; rejects when one was not accepted. */
export async function callGateway(load: Program, order: Omit<LoadOrder, "inFlight">): Promise<Work> {
  const inFlight = order.batch === 0 ? UNARY_IN_FLIGHT : BATCH_IN_FLIGHT;
  const { accepted, failed, ms } = await load.ask<LoadResult>({ ...order, inFlight } satisfies LoadOrder);
  if (failed > 0 || accepted === 0) throw new Error(`${failed} of ${accepted + failed} notifications were not accepted`);
  return { items: accepted, ms };
}
