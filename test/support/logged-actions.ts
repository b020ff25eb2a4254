import type { Store } from "../../core/ports/store.ts";

/** The log of operators' actions, the latest first: who, what, to what, why, with what result. */
export const loggedActions = async ({ steering }: Pick<Store, "steering">): Promise<(string | undefined)[][]> =>
  (await steering.actions(undefined, 9)).map(({ actor, action, target, reason, result }) => [actor, action, target, reason, result]);
