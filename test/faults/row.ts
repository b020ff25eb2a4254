import { setTimeout as delay } from "node:timers/promises";
import { notificationId } from "../../adapters/ids.ts";
import type { FaultyLine } from "../support/faulty-line.ts";
import { type Account, account, untilEnded } from "./account.ts";
import { type Load, type LoadOptions, startLoad } from "./load.ts";
import { scaled } from "./pace.ts";
import { APP, LINE_PROVIDERS, type StoreKind, type World } from "./world.ts";

/** One fault, injected under load. */
export interface Row {
  name: string;
  /** Description for the page, one line. */
  about: string;
  /** Absent: both stores. */
  stores?: readonly StoreKind[];
  load?: LoadOptions;
  /** Longest time without a delivery that ends, after the fault's end, in ms. */
  boundMs?: number;
  /** Returns a reason if the row cannot run here. */
  cannot?(world: World): string | undefined;
  /** Injects and removes the fault; resolves to the proof that it happened. Rejects with DidNotHappen if it did not. */
  inject(world: World, scene: Scene): Promise<string>;
}

export interface Scene {
  load: Load;
  random: () => number;
  /** Prints progress. */
  say(line: string): void;
}

export class DidNotHappen extends Error {
  override name = "DidNotHappen";
}

/** Throws DidNotHappen if the count is not above 0; returns the text of the proof. */
export function happened(count: number, what: string): string {
  if (!(count > 0)) throw new DidNotHappen(`${what}: ${count}`);
  return `${count} ${what}`;
}

export type RowResult =
  | { kind: "skipped"; name: string; about: string; reason: string }
  /** `slow`: what could not be told, because the machine is too slow for the row. */
  | { kind: "ran"; name: string; about: string; account: Account; proof: string; broken: string[]; slow: string[]; tookMs: number };

/** Duration of the load before the fault and after it. */
const BEFORE_MS = 1_500;
const AFTER_MS = 2_000;
/** Every call has its answer within this time after the fault's end. This and the others are for a quiet machine: see pace.ts. */
const ANSWERED_MS = 60_000;
/**
 * After the fault's end no longer time passes without a delivery that ends. A claim counts as lost after 12 s, its outcome as unknown 8 s later; the leases of a
 * dead relay last 15 s. A text in doubt that no receipt tells of waits until Twilio can tell, 87 s, and 8 s for the answer.
 */
const BOUND_MS = 120_000;

/** A process queries the store every 10 s, with a timeout of 5 s. */
const STORE_SILENT_MAX_MS = 20_000;
const STORE_SILENT_POLL_MS = 500;

export async function runRow(world: World, row: Row, random: () => number, say: (line: string) => void): Promise<RowResult> {
  const { name, about } = row;
  const reason = row.cannot?.(world);
  if (reason !== undefined) return { kind: "skipped", name, about, reason };
  const began = performance.now();
  const broken: string[] = [];
  const load = startLoad(world, row.name, row.load);
  const delayedBefore = LINE_PROVIDERS.map((p) => delayedBytesOf(world.lines[p]));
  let proof = "";
  await delay(BEFORE_MS);
  try {
    proof = await row.inject(world, { load, random, say });
  } catch (error) {
    broken.push(
      error instanceof DidNotHappen ? `the fault did not happen: ${error.message}` : `the fault could not be made: ${messageOf(error)}`,
    );
  }
  const faultEndedAt = Date.now();
  load.stopPeople();
  // Also undoes what the row itself has left behind.
  await world.heal().catch((error: unknown) => broken.push(`not healed: ${messageOf(error)}`));
  await delay(AFTER_MS);
  const stoppedAt = Date.now();
  const answeredMs = scaled(ANSWERED_MS);
  await load.stop(answeredMs);
  const ending = await untilEnded(world, load.items, scaled(row.boundMs ?? BOUND_MS));
  const slowed = new Set<string>(LINE_PROVIDERS.filter((p, i) => delayedBytesOf(world.lines[p]) > delayedBefore[i]!));
  const result = await account(world, load, ending, { stoppedAt, faultEndedAt, slowed });
  broken.push(...(await cutOffFromStore(world, faultEndedAt + answeredMs)));

  const denied = await storedThoughRejected(world, load);
  if (denied.length > 0)
    broken.push(
      `${denied.length} stored, although their callers were answered that send_at is in the past: ${denied.slice(0, 5).join(", ")}`,
    );
  const unanswered = load.items.filter((i) => i.accepted === undefined && !i.rejected);
  if (unanswered.length > 0) {
    const why = Object.entries(Object.groupBy(load.lately, (what) => what)).map(([what, times]) => `${times?.length} × ${what}`);
    broken.push(
      `${unanswered.length} calls got no answer within ${answeredMs} ms of the fault's end: ${unanswered[0]?.key}; lately ${why.join(", ")}`,
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
  const { open } = result;
  const slow = open.length > 0 ? [`${open.length} deliveries were still ending, one after the other: ${open.slice(0, 3).join(" | ")}`] : [];
  return { kind: "ran", name, about, account: result, proof, broken, slow, tookMs: performance.now() - began };
}

/** Bytes that a line has delayed since its start. */
const delayedBytesOf = ({ counts }: FaultyLine) => counts.delayedBytes + counts.drippedBytes;

/** Processes still without the store at `until`. Other processes take over their work, so no other column shows them. */
async function cutOffFromStore({ processes }: World, until: number): Promise<string[]> {
  const asking = processes.filter(({ role }) => role !== "autoscaler");
  for (;;) {
    const silences = await Promise.all(asking.map((p) => p.gauge("carillon_store_silent_seconds")));
    const cutOff = asking.flatMap(({ name }, i) => {
      const seconds = silences[i];
      if (seconds === undefined) return [`${name} has no metric of the store's silence`];
      return seconds * 1_000 > STORE_SILENT_MAX_MS ? [`${name} has had no answer from the store for ${Math.round(seconds)} s`] : [];
    });
    if (cutOff.length === 0 || Date.now() > until) return cutOff;
    await delay(STORE_SILENT_POLL_MS);
  }
}

/** Promise 6: a stored key is answered, however late the call. */
async function storedThoughRejected({ store }: World, { items }: Load): Promise<string[]> {
  const kept: string[] = [];
  for (const { key, rejected } of items) {
    const record = rejected ? await store.notifications.find(notificationId(APP, key)) : undefined;
    if (record) kept.push(`${key} is ${record.id}`);
  }
  return kept;
}

const messageOf = (error: unknown) => (error instanceof Error ? (process.env.FAULTS_KEEP ? error.stack : error.message) : String(error));
