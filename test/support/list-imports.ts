// Lists of preferences that are imported from a new directory into a new store. A test file that imports this has both new for each test.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Store } from "../../core/ports/store.ts";
import type { PreferenceRecord } from "../../core/preferences/opt-out.ts";
import type { PreferenceTarget } from "../../operations/lists/apply-to-subjects.ts";
import { type ImportOptions, importList, type ListKind } from "../../operations/lists/import-list.ts";
import { optOutList } from "../../operations/lists/opt-out-list.ts";
import { suppressionList } from "../../operations/lists/suppression-list.ts";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";

export const APP = "shop";
let directory: string;
export let store: Store;
let clock: FakeClock;
export let target: PreferenceTarget;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "carillon-import-"));
  store = await openStore("sqlite::memory:");
  clock = createFakeClock();
  target = targetOf(store);
});
afterEach(async () => {
  await store[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

export const now = () => clock.now();
/** Its waits take no time. */
const impatient = { monotonic: () => clock.monotonic(), sleep: async (ms: number) => clock.advance(ms) };
export const targetOf = ({ preferences }: Store): PreferenceTarget => ({
  ...{ app: APP, find: preferences.find },
  update: (app, subject, change) => preferences.update(app, subject, change, clock.now()),
});
export const optOuts = (of: PreferenceTarget = target) =>
  optOutList({ target: of, isErased: async () => false, requiredOf: async () => new Set(["codes"]), checkEndpoint: () => [], now });
export const blocks = (of: PreferenceTarget = target) => suppressionList({ target: of, checkEndpoint: () => [], now });
export const path = (name = "list.csv") => join(directory, name);
export const write = (...lines: string[]) => writeFileSync(path(), `${lines.join("\n")}\n`);
export const run = <T>(kind: ListKind<T>, over: Partial<ImportOptions> = {}) =>
  importList(kind, impatient, { ...{ path: path(), name: "list.csv", app: APP, format: "csv", dryRun: false, resume: false }, ...over });
export const rejected = () =>
  readFileSync(path("list.csv.rejected.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
export const find = async (subject: string) => (await store.preferences.find(APP, [subject]))[0];
/** Without what differs from run to run. */
export const dump = async (of: Store) =>
  (await Array.fromAsync(of.preferences.changedSince(0)))
    .map(({ version, updatedAt, ...record }: PreferenceRecord) => record)
    .sort((a, b) => (a.subject < b.subject ? -1 : 1));
