import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import type { ChangeEntry } from "../../core/preferences/change.ts";
import type { PreferenceRecord } from "../../core/preferences/opt-out.ts";

/** Changes that are shown, of the person and of the endpoints together; few people have more than a hundred. */
const CHANGES_MAX = 500;
/** Characters of these as JSON: a change of a hundred choices with its evidence has some 10,000. */
const CHARS_MAX = 1_000_000;
/** Changes that are read of one subject at a time, so that of a hundred endpoints at most some thousands are read. */
const PAGE = 25;

export interface LatestChanges {
  /** The latest first. */
  changes: ChangeEntry[];
  /** There are older ones. */
  isCut: boolean;
}

/** A subject's changes, of which some are read. */
interface Source {
  subject: string;
  /** Those before this version are not read yet. */
  version: number;
  /** Read, and not taken yet; the latest first. */
  page: ChangeEntry[];
  /** Of the latest that is not taken, in ms since the epoch. */
  at: number;
}

/** The latest changes of several subjects, merged by time: of each no more are read than are needed, and a page. */
export async function latestChanges(
  { history }: Pick<PreferenceStore, "history">,
  app: string,
  records: readonly Pick<PreferenceRecord, "subject" | "version" | "updatedAt">[],
): Promise<LatestChanges> {
  const sources = new Set(
    records.map(({ subject, version, updatedAt }): Source => ({ subject, version: version + 1, page: [], at: updatedAt })),
  );
  const changes: ChangeEntry[] = [];
  let chars = 0;
  while (sources.size > 0) {
    const source = [...sources].reduce((latest, one) => (one.at > latest.at ? one : latest));
    const [change, ...later] = source.page;
    if (change === undefined) {
      source.page = await history(app, source.subject, source.version, PAGE);
      const [first, last] = [source.page[0], source.page.at(-1)];
      if (first === undefined || last === undefined) sources.delete(source);
      else Object.assign(source, { at: first.at, version: last.version });
      continue;
    }
    chars += JSON.stringify(change).length;
    if (changes.length === CHANGES_MAX || chars > CHARS_MAX) return { changes, isCut: true };
    changes.push(change);
    Object.assign(source, { page: later, at: later[0]?.at ?? change.at });
  }
  return { changes, isCut: false };
}
