import type { Outcome } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Learned } from "../../core/preferences/learned.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Exchanged } from "./json-http.ts";
import { parseRetryAfter } from "./retry-after.ts";
import { type Fields, isFields } from "./webhook.ts";

/** An address that a provider sends nothing to, or not everything. */
export interface ListedSuppression {
  address: string;
  learned: Learned;
  /** Since when, in ms since the epoch; undefined: it does not say. */
  at: number | undefined;
}

/** What a provider keeps of addresses that refused, complained or do not exist. */
export interface SuppressionList extends AsyncDisposable {
  /** All of it, in pages. Rejects with an OperatorError where it cannot be read. */
  pages(signal: AbortSignal): AsyncIterable<readonly ListedSuppression[]>;
  /** Why pages() may lack some; undefined: they are all. Known once it was read. */
  gap(): string | undefined;
}

/** Tries of one page; a limit of calls ends within a minute. */
const TRIES_MAX = 6;
/** Between two tries where the provider names no wait, and the longest that it may name, in ms. */
const AGAIN_MS = 2_000;
const WAIT_MS_MAX = 60_000;
/** Deadline of one call, in ms: providers read lists slowly. */
const CALL_MS_MAX = 30_000;

/**
 * The entries of an answer of 200, tried again while the provider is slow or limits calls. Rejects with an OperatorError that says what was answered.
 * @param title the provider's name, for people
 */
export async function readPage(
  title: string,
  call: (signal: AbortSignal) => Promise<Exchanged>,
  { clock, signal, waitMsOf = () => undefined }: { clock: Clock; signal: AbortSignal; waitMsOf?: (answer: Answer) => number | undefined },
): Promise<Fields[]> {
  for (let tries = 1; ; tries++) {
    const exchanged = await call(AbortSignal.any([signal, AbortSignal.timeout(CALL_MS_MAX)]));
    if (exchanged.kind === "answer" && exchanged.status === 200) return entriesIn(exchanged.body, title);
    const isPassing = exchanged.kind === "none" || exchanged.status === 429 || exchanged.status >= 500;
    signal.throwIfAborted();
    if (!isPassing || tries >= TRIES_MAX) throw new OperatorError(`${title} does not show its suppressions: ${faultOf(exchanged)}`);
    const asked =
      exchanged.kind === "answer" ? (parseRetryAfter(exchanged.headers["retry-after"], clock.now()) ?? waitMsOf(exchanged)) : undefined;
    await clock.sleep(Math.min(asked ?? AGAIN_MS, WAIT_MS_MAX));
  }
}

type Answer = Extract<Exchanged, { kind: "answer" }>;

function faultOf(exchanged: Exchanged): string {
  if (exchanged.kind === "none") return codeOf(exchanged.outcome);
  const { status } = exchanged;
  return status === 401 || status === 403 ? `HTTP ${status}: the API key is wrong, or may not read them` : `HTTP ${status}`;
}

const codeOf = (outcome: Outcome) => ("fault" in outcome ? outcome.fault.code : outcome.kind);

/** A page that is no list of objects is not the documented one. */
function entriesIn(body: unknown, title: string): Fields[] {
  if (!Array.isArray(body) || !body.every(isFields)) throw new OperatorError(`${title} did not answer with a list of suppressions`);
  return body;
}
