import { randomBytes } from "node:crypto";
import type { OperatorAction } from "../../core/ports/steering-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** Who does something, and why. */
export interface Order {
  actor: string;
  reason: string;
}

/** Longest texts, in characters. */
export const ACTOR_MAX = 100;
export const REASON_MAX = 500;
/** Control characters: terminals obey some of them, and others end the line. */
const CONTROL = /\p{Cc}/u;
/** An emoji or a dash alone says neither who nor why. */
const WORD = /[\p{L}\p{N}]/u;

/** What is wrong with the texts of an order, in words; undefined: nothing. @param names what the caller calls the two texts */
export function orderFault({ actor, reason }: Order, names: Order = { actor: "actor", reason: "reason" }): string | undefined {
  for (const [name, value, max] of [
    [names.actor, actor, ACTOR_MAX],
    [names.reason, reason, REASON_MAX],
  ] as const)
    if (!WORD.test(value) || value.length > max || CONTROL.test(value))
      return `${name} must have 1 to ${max} characters, a letter or digit among them, and no control characters; what is given has ${value.length}`;
  return undefined;
}

/** The entry of what is being done. */
interface LoggedEntry {
  id: string;
  soFar(words: string): Promise<void>;
}

type AuditStore = Pick<Store, "steering" | "time">;

/** Entries that this process has made. */
let made = 0;

/** Later ids are larger; those of one process also within a millisecond. */
const newId = (at: number) => `${String(at).padStart(15, "0")}-${String(made++).padStart(6, "0")}-${randomBytes(6).toString("hex")}`;

/** Whether a text has the form of an entry's id. */
export const isActionId = (text: string): boolean => /^\d{15}-\d{6,}-[0-9a-f]{12}$/.test(text);

/**
 * Does something that the audit log records: its entry is stored before anything is done, and again with the result, or with the error where `act` rejects.
 * An entry whose result cannot be stored stays without one, and this rejects: what was done stays done.
 * @param act gets the moment of the entry, by the store's clock, and the entry, which it may store with what is done so far; resolves to its result and to the
 * words that the entry has for it
 */
export async function logged<T>(
  store: AuditStore,
  of: Order & Pick<OperatorAction, "action" | "target">,
  act: (at: number, entry: LoggedEntry) => Promise<{ result: T; words: string }>,
): Promise<T> {
  const fault = orderFault(of) ?? (CONTROL.test(of.target) ? "the target must have no control characters" : undefined);
  if (fault !== undefined) throw new OperatorError(fault);
  const { actor, reason, action, target } = of;
  const at = await store.time();
  const entry = { id: newId(at), at, actor, action, target, reason };
  await store.steering.log(entry);
  const soFar = (words: string) => store.steering.log({ ...entry, result: words });
  let done: { result: T; words: string };
  try {
    done = await act(at, { id: entry.id, soFar });
  } catch (error) {
    // The error that counts is the first one.
    await soFar(`failed: ${error instanceof Error ? error.name : "error"}`).catch(() => undefined);
    throw error;
  }
  await soFar(done.words);
  return done.result;
}
