import { endpointId } from "../../adapters/ids.ts";
import { accountFor, NO_ACCOUNTS } from "../../core/apps/accounts.ts";
import type { AppRecord } from "../../core/apps/app.ts";
import { addressFault } from "../../core/delivery/email-address.ts";
import { canonicalEndpoint } from "../../core/delivery/endpoint.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import type { PreferenceChange } from "../../core/preferences/change.ts";
import { LEARNED_KINDS, type Learned, type LearnedKind, learnedChange, stillToDo } from "../../core/preferences/learned.ts";
import { endpointSubject, noPreferences } from "../../core/preferences/opt-out.ts";
import { inParallel } from "../../runtime/in-parallel.ts";
import { storedOrThrow, type UpdatePreferences } from "../preferences/update.ts";

/** As a provider lists it: providers/transport/suppression-list.ts. */
export interface Listed {
  address: string;
  learned: Learned;
  at: number | undefined;
}

/** The counts of one kind and one app. */
export interface SyncCount {
  /** Addresses on the provider's list. */
  listed: number;
  /** Of them those that we know. */
  known: number;
  /** Those that we lack, or that were imported. */
  missing: number;
  /** Ours, learned from this provider, that its list does not have: it forgot them, or somebody lifted them there. */
  oursOnly: number;
}

export interface SyncReport {
  apps: { app: string; counts: Record<LearnedKind, SyncCount> }[];
  /** Entries that are no address. */
  unreadable: number;
}

export interface SyncRequest {
  provider: string;
  account: string;
  pages: AsyncIterable<readonly Listed[]>;
  /** Undefined: every app whose mails this account sends. */
  apps?: readonly string[] | undefined;
  /** Undefined: nothing is changed. */
  update: UpdatePreferences | undefined;
  /** For the history. */
  actor?: string | undefined;
  onProgress?: (listed: number) => void;
}

/** Records of one read. */
const READ_MAX = 500;
/** Changes at once. */
const CONCURRENCY = 16;
/** Every category: who unsubscribes at a provider gets no mail from it at all. */
const EVERY_CATEGORY = "*";

/** Reads a provider's suppressions, compares them with ours, and imports what we lack. Repeating it is harmless. */
export async function syncSuppressions(
  { store, clock }: { store: Pick<Store, "apps" | "preferences">; clock: Pick<Clock, "now"> },
  { provider, account, pages, apps: wanted, update, actor, onProgress = () => undefined }: SyncRequest,
): Promise<SyncReport> {
  const all = await Array.fromAsync(store.apps.list());
  const apps = all.filter((app) => isServed(app, provider, account) && (wanted?.includes(app.id) ?? true)).map(({ id }) => id);
  const counts = new Map(apps.map((app) => [app, emptyCounts()]));
  /** Subject and kind of each entry: 60 bytes or so. */
  const listed = new Set<string>();
  let unreadable = 0;

  for await (const page of pages) {
    const entries = page.flatMap((entry) => {
      const subject = subjectOf(entry.address);
      if (subject === undefined) unreadable += 1;
      return subject === undefined ? [] : [{ subject, entry }];
    });
    const fresh = entries.filter(({ subject, entry }) => !listed.has(keyOf(subject, entry.learned.kind)));
    for (const { subject, entry } of fresh) listed.add(keyOf(subject, entry.learned.kind));
    for (const app of apps) await compare(app, fresh);
    onProgress(page.length);
  }
  await countOursOnly();
  return { apps: apps.map((app) => ({ app, counts: counts.get(app)! })), unreadable };

  async function compare(app: string, entries: readonly { subject: string; entry: Listed }[]): Promise<void> {
    for (let from = 0; from < entries.length; from += READ_MAX) {
      const part = entries.slice(from, from + READ_MAX);
      const found = await store.preferences.find(app, [...new Set(part.map(({ subject }) => subject))]);
      const records = new Map(found.map((record) => [record.subject, record]));
      const missing = part.flatMap(({ subject, entry }) => {
        const count = counts.get(app)![entry.learned.kind];
        const change = stillToDo(records.get(subject) ?? noPreferences(app, subject), changeOf(entry));
        count.listed += 1;
        count[change === undefined ? "known" : "missing"] += 1;
        return change === undefined ? [] : [{ subject, change }];
      });
      if (update) await importAll(update, app, missing);
    }
  }

  async function importAll(
    write: UpdatePreferences,
    app: string,
    missing: readonly { subject: string; change: PreferenceChange }[],
  ): Promise<void> {
    // One subject may have several entries: its changes follow one another.
    await inParallel([...Map.groupBy(missing, ({ subject }) => subject)], CONCURRENCY, async ([subject, entries]) => {
      for (const { change } of entries) storedOrThrow(await write(app, subject, change));
    });
  }

  /** The endpoint's, since a list knows addresses and no users. */
  function changeOf({ learned, at }: Listed): PreferenceChange {
    const of = { provider, pool: undefined, category: EVERY_CATEGORY, attemptId: "suppression list", at: at ?? clock.now() };
    const { change } = learnedChange(learned, of);
    return { ...change, origin: { ...change.origin, actor: actor ?? provider, source: "suppression-sync" } };
  }

  async function countOursOnly(): Promise<void> {
    for await (const { app, subject, blocks } of store.preferences.changedSince(0)) {
      const count = counts.get(app);
      if (count === undefined) continue;
      for (const { kind, source } of blocks)
        if (source === provider && (kind === "complaint" || kind === "bounce") && !listed.has(keyOf(subject, kind)))
          count[kind].oursOnly += 1;
    }
  }
}

const emptyCounts = () =>
  Object.fromEntries(LEARNED_KINDS.map((kind) => [kind, { listed: 0, known: 0, missing: 0, oursOnly: 0 }])) as Record<
    LearnedKind,
    SyncCount
  >;

const isServed = ({ accounts }: AppRecord, provider: string, account: string) =>
  accountFor(accounts ?? NO_ACCOUNTS, { name: provider, channel: "email" }) === account;

function subjectOf(address: string): string | undefined {
  const endpoint = canonicalEndpoint({ channel: "email", address: address.trim() });
  if (endpoint.channel !== "email" || addressFault(endpoint.address) !== undefined) return undefined;
  return endpointSubject(endpointId(endpoint));
}

const keyOf = (subject: string, kind: LearnedKind) => `${kind} ${subject}`;
