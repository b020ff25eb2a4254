import { setTimeout as delay } from "node:timers/promises";
import { notificationId } from "../../adapters/ids.ts";
import type { FaultyLine } from "../support/faulty-line.ts";
import { type Account, account, untilEnded } from "./account.ts";
import { type Load, type LoadOptions, startLoad } from "./load.ts";
import { APP, LINE_PROVIDERS, type StoreKind, type World } from "./world.ts";

/** One fault, from its first sign to its end, while there is load. */
export interface Row {
  name: string;
  /** One line for the page: what is done. */
  about: string;
  /** Absent: both. */
  stores?: readonly StoreKind[];
  load?: LoadOptions;
  /** For everything to end after the fault has, ms. */
  boundMs?: number;
  /** A reason why it cannot be run here. */
  cannot?(world: World): string | undefined;
  /** Does it, undoes it, and resolves with the proof that it happened. Rejects with DidNotHappen where it did not. */
  inject(world: World, scene: Scene): Promise<string>;
}

export interface Scene {
  load: Load;
  random: () => number;
  /** Lines for who watches. */
  say(line: string): void;
}

export class DidNotHappen extends Error {
  override name = "DidNotHappen";
}

/** Throws DidNotHappen unless it did; returns what is told. */
export function happened(count: number, what: string): string {
  if (!(count > 0)) throw new DidNotHappen(`${what}: ${count}`);
  return `${count} ${what}`;
}

export type RowResult =
  | { kind: "skipped"; name: string; about: string; reason: string }
  | { kind: "ran"; name: string; about: string; account: Account; proof: string; broken: string[]; tookMs: number };

/** Load before the fault, and after it. */
const BEFORE_MS = 1_500;
const AFTER_MS = 2_000;
/** After the fault's end every call begun has its answer within this. */
const ANSWERED_MS = 60_000;
/** After the fault's end. A claim is called lost after 12 s, its outcome unknown for 8 s more; a relay that died holds what it took for 30 s. */
const BOUND_MS = 75_000;

/** A process asks the store every 10 s, and gives one question up after 5 s at most while it has no server. */
const STORE_SILENT_MAX_MS = 20_000;
const STORE_SILENT_POLL_MS = 500;

export async function runRow(world: World, row: Row, random: () => number, say: (line: string) => void): Promise<RowResult> {
  const { name, about } = row;
  const reason = row.cannot?.(world);
  if (reason !== undefined) return { kind: "skipped", name, about, reason };
  const began = performance.now();
  const broken: string[] = [];
  const load = startLoad(world, row.name, row.load);
  const heldBefore = LINE_PROVIDERS.map((p) => heldBytes(world.lines[p]));
  let proof = "";
  await delay(BEFORE_MS);
  try {
    proof = await row.inject(world, { load, random, say });
  } catch (error) {
    broken.push(
      error instanceof DidNotHappen ? `the fault did not happen: ${error.message}` : `the fault could not be made: ${tell(error)}`,
    );
  }
  const faultEndedAt = Date.now();
  load.stopPeople();
  // Healing is part of ending it for what the row itself has left over.
  await world.heal().catch((error: unknown) => broken.push(`not well again: ${tell(error)}`));
  await delay(AFTER_MS);
  const stoppedAt = Date.now();
  await load.stop(ANSWERED_MS);
  const ending = await untilEnded(world, load.items, row.boundMs ?? BOUND_MS);
  const slowed = new Set<string>(LINE_PROVIDERS.filter((p, i) => heldBytes(world.lines[p]) > heldBefore[i]!));
  const result = await account(world, load, ending, { stoppedAt, faultEndedAt, slowed });
  broken.push(...(await cutOffFromStore(world, faultEndedAt + ANSWERED_MS)));

  const denied = await storedThoughRejected(world, load);
  if (denied.length > 0)
    broken.push(`${denied.length} kept, and their callers were told that it is too late for them: ${denied.slice(0, 5).join(", ")}`);
  const unanswered = load.items.filter((i) => i.accepted === undefined && !i.rejected);
  if (unanswered.length > 0) {
    const why = Object.entries(Object.groupBy(load.lately, (what) => what)).map(([what, times]) => `${times?.length} × ${what}`);
    broken.push(
      `${unanswered.length} calls got no answer within ${ANSWERED_MS} ms of the fault's end: ${unanswered[0]?.key}; lately ${why.join(", ")}`,
    );
  }
  if (load.contradictions.length > 0) broken.push(`one key, two answers: ${load.contradictions.slice(0, 5).join(", ")}`);
  broken.push(...world.mishaps());
  for (const [what, times] of load.surprises) broken.push(`callers were answered ${what} ${times} times`);
  if (result.accepted === 0) broken.push("nothing was accepted");
  for (const [what, ids] of [
    ["lost", result.lost],
    ["sent twice", result.twice],
    ["sent after an opt-out", result.afterOptOut],
  ] as const)
    if (ids.length > 0) broken.push(`${ids.length} ${what}: ${ids.slice(0, 5).join(" | ")}`);
  return { kind: "ran", name, about, account: result, proof, broken, tookMs: performance.now() - began };
}

/** Bytes that a line has passed on late, since its start. */
const heldBytes = ({ counts }: FaultyLine) => counts.delayedBytes + counts.drippedBytes;

/** Processes that have not found their way back to the store by `until`: the others' work hides them from every other column. */
async function cutOffFromStore({ processes }: World, until: number): Promise<string[]> {
  const asking = processes.filter(({ role }) => role !== "autoscaler");
  for (;;) {
    const silences = await Promise.all(asking.map((p) => p.gauge("carillon_store_silent_seconds")));
    const cutOff = asking.flatMap(({ name }, i) => {
      const seconds = silences[i];
      if (seconds === undefined) return [`${name} does not tell since when the store is silent`];
      return seconds * 1_000 > STORE_SILENT_MAX_MS ? [`${name} has had no answer of the store for ${Math.round(seconds)} s`] : [];
    });
    if (cutOff.length === 0 || Date.now() > until) return cutOff;
    await delay(STORE_SILENT_POLL_MS);
  }
}

/** Promise 6: a key that is kept gives its answer, however late it is asked for. */
async function storedThoughRejected({ store }: World, { items }: Load): Promise<string[]> {
  const kept: string[] = [];
  for (const { key, rejected } of items) {
    const record = rejected ? await store.notifications.find(notificationId(APP, key)) : undefined;
    if (record) kept.push(`${key} is ${record.id}`);
  }
  return kept;
}

const tell = (error: unknown) => (error instanceof Error ? (process.env.FAULTS_KEEP ? error.stack : error.message) : String(error));
