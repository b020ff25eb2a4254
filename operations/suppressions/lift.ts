import { endpointId } from "../../adapters/ids.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import type { Block, BlockKind } from "../../core/preferences/block.ts";
import { endpointSubject } from "../../core/preferences/opt-out.ts";

export interface LiftRequest {
  app: string;
  endpoint: Endpoint;
  /** Undefined: every kind. */
  kind?: BlockKind | undefined;
  /** Why, for the history; undefined: nothing is lifted. */
  why?: string | undefined;
}

/** What blocks an endpoint in an app, and whether it was lifted. Redis follows by the next sweep: a member too many there only costs a read of the store. */
export async function liftBlocks(
  { store, clock }: { store: Pick<Store, "preferences">; clock: Pick<Clock, "now"> },
  { app, endpoint, kind, why }: LiftRequest,
): Promise<Block[]> {
  const subject = endpointSubject(endpointId(endpoint));
  const [record] = await store.preferences.find(app, [subject]);
  const blocks = (record?.blocks ?? []).filter((block) => kind === undefined || block.kind === kind);
  if (why !== undefined && blocks.length > 0) {
    const origin = { actor: "carillon suppressions lift", source: "operator", evidence: why };
    await store.preferences.update(app, subject, { lift: blocks, origin }, clock.now());
  }
  return blocks;
}
