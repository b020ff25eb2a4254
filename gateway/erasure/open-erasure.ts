import { withAuditLines } from "../../adapters/opt-outs/audit-line.ts";
import type { Store } from "../../core/ports/store.ts";
import type { Logger } from "../../runtime/logger.ts";
import type { EraseUserParts } from "./erase-user.ts";
import { createErasureHandlers, type ErasureHandlers } from "./erasure-handlers.ts";
import { createErasureKey } from "./erasure-key.ts";
import { createTombstones, NO_TOMBSTONES, type Tombstones } from "./tombstones.ts";

/** @param secret that of ERASURE_KEY_FILE; empty: nobody can be erased, so nobody was */
export function openErasure(
  secret: string,
  { log, ...parts }: Omit<EraseUserParts, "key" | "store" | "tombstones"> & { store: Store; log: Logger },
): { handlers: ErasureHandlers; tombstones: Tombstones } {
  const { store, choices, clock } = parts;
  if (secret === "") return { handlers: createErasureHandlers({ store, erase: undefined, log }), tombstones: NO_TOMBSTONES };
  const key = createErasureKey(secret);
  const tombstones = createTombstones({ store: store.preferences, choices, key, clock });
  return {
    // What it writes to the store itself is logged as every other change.
    handlers: createErasureHandlers({
      store,
      erase: { ...parts, store: { ...store, preferences: withAuditLines(store.preferences, log) }, tombstones, key },
      log,
    }),
    tombstones,
  };
}
