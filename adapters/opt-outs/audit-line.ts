import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import type { Block } from "../../core/preferences/block.ts";
import type { ChangeEntry } from "../../core/preferences/change.ts";
import type { OptOut } from "../../core/preferences/opt-out.ts";
import { sha256 } from "../../runtime/hash.ts";
import type { Logger } from "../../runtime/logger.ts";

/** Logs each change that is stored. */
export const withAuditLines = (store: PreferenceStore, log: Pick<Logger, "info">): PreferenceStore => ({
  ...store,
  async update(...given) {
    const stored = await store.update(...given);
    if (stored.lastChange) log.info(auditLine(stored.lastChange), "preferences changed");
    return stored;
  },
});

/** Hex digits that tell subjects apart in a log. */
const SUBJECT_DIGITS = 16;

const choiceText = ({ channel, category, until }: OptOut) =>
  `${channel}/${category}${until === undefined ? "" : ` until ${isoTime(until)}`}`;
const blockText = ({ kind, pool, classes }: Block) => [kind, ...(pool === undefined ? [] : [pool]), ...(classes ?? [])].join(" ");
const isoTime = (ms: number) => new Date(ms).toISOString();

/**
 * One change for the log: what differs, as it was and as it is. The subject is a hash; who made the change and what proves it are in the history
 * alone, because they may name a person.
 */
function auditLine({ app, subject, version, origin, before, after }: ChangeEntry): object {
  const changes = Object.entries({
    optOutsBefore: before.optOuts.map(choiceText),
    optOutsAfter: after.optOuts.map(choiceText),
    consentsBefore: before.consents.map(choiceText),
    consentsAfter: after.consents.map(choiceText),
    blocksBefore: before.blocks.map(blockText),
    blocksAfter: after.blocks.map(blockText),
  }).filter(([, items]) => items.length > 0);
  return {
    ...{ app, subjectHash: sha256("audit", app, subject).slice(0, SUBJECT_DIGITS), version },
    ...(origin.source !== undefined && { source: origin.source }),
    ...Object.fromEntries(changes),
  };
}
