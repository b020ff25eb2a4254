import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import type { Block, BlockKind } from "../../core/preferences/block.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { storedOrThrow, type UpdatePreferences } from "./update.ts";

interface Blocked {
  app: string;
  subject: string;
  /** Undefined: every kind. */
  kind: BlockKind | undefined;
}

/** What blocks an endpoint. Rejects with a StoreError. */
export async function blocksOf(preferences: Pick<PreferenceStore, "find">, { app, subject, kind }: Blocked): Promise<Block[]> {
  const [record] = await preferences.find(app, [subject]);
  return (record?.blocks ?? []).filter((block) => kind === undefined || block.kind === kind);
}

/**
 * Lets an endpoint be sent to again. The change is stored with who made it and why.
 * @returns those that were lifted; rejects with an OperatorError where there are none, or where the store did not confirm it
 */
export async function liftBlocks(
  { find, update }: Pick<PreferenceStore, "find"> & { update: UpdatePreferences },
  { actor, why, ...blocked }: Blocked & { actor: string; why: string },
): Promise<Block[]> {
  const { app, subject, kind } = blocked;
  const lift = await blocksOf({ find }, blocked);
  if (lift.length === 0) throw new OperatorError(`app ${app}: nothing blocks this endpoint${kind === undefined ? "" : ` by ${kind}`}`);
  const origin = { source: "operator", evidence: why, actor };
  storedOrThrow(await update(app, subject, { lift, origin }));
  return lift;
}
