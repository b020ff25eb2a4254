import type { Block } from "../../core/preferences/block.ts";
import { LEARNED_KINDS } from "../../core/preferences/learned.ts";
import type { SyncReport } from "../../operations/suppressions/sync.ts";
import { table } from "../table.ts";

export interface ShownSync extends SyncReport {
  provider: string;
  account: string;
  applied: boolean;
  /** Why the provider's list may not be whole. */
  gap: string | undefined;
}

export function syncTable({ apps, unreadable, applied }: ShownSync): string {
  const missing = applied ? "imported" : "missing";
  const rows = apps.flatMap(({ app, counts }) =>
    LEARNED_KINDS.flatMap((kind) => {
      const { listed, known, missing: lacking, oursOnly } = counts[kind];
      return listed + oursOnly === 0 ? [] : [[app, kind, listed, known, lacking, oursOnly]];
    }),
  );
  const lines = [table(["app", "kind", "listed", "known", missing, "only here"], rows)];
  if (unreadable > 0) lines.push(`${unreadable} entries are no addresses and were left out.`);
  const left = apps.reduce((sum, { counts }) => LEARNED_KINDS.reduce((inner, kind) => inner + counts[kind].missing, sum), 0);
  if (!applied && left > 0) lines.push("Nothing was changed: repeat with --apply to import what is missing.");
  return lines.join("\n\n");
}

export const syncJson = ({ provider, account, applied, gap, apps, unreadable }: ShownSync) => ({
  ...{ provider, account, applied, ...(gap === undefined ? {} : { gap }), unreadable },
  apps: apps.map(({ app, counts }) => ({ app, counts: Object.fromEntries(LEARNED_KINDS.map((kind) => [kind, counts[kind]])) })),
});

export const blocksTable = (blocks: readonly Block[]): string =>
  blocks.length === 0
    ? "Nothing blocks it."
    : table(
        ["kind", "sender", "classes", "since", "source", "reason"],
        blocks.map(({ kind, pool, classes, at, source, reason }) => [
          ...[kind, senderText(pool), classes?.join(" ") ?? "every", new Date(at).toISOString(), source, reason],
        ]),
      );

const senderText = (pool: string | undefined) => (pool === undefined ? "every" : pool || "the default");
