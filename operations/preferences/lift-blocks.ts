import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import type { Block, BlockKind } from "../../core/preferences/block.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/**
 * Lets an endpoint be sent to again. The change is stored with who made it and why; what Redis holds of the blocks costs reads of the store, and goes with
 * its next rebuild.
 * @param given.kind undefined: every kind
 * @returns those that were lifted
 */
export async function liftBlocks(
  preferences: PreferenceStore,
  given: { app: string; subject: string; kind: BlockKind | undefined; actor: string | undefined; why: string; now: number },
): Promise<Block[]> {
  const { app, subject, kind, actor, why, now } = given;
  const [record] = await preferences.find(app, [subject]);
  const lift = (record?.blocks ?? []).filter((block) => kind === undefined || block.kind === kind);
  if (lift.length === 0) throw new OperatorError(`app ${app}: nothing blocks this endpoint${kind === undefined ? "" : ` by ${kind}`}`);
  const origin = { source: "operator", evidence: why, ...(actor !== undefined && { actor }) };
  await preferences.update(app, subject, { lift, origin }, now);
  return lift;
}
