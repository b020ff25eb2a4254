import { DEFAULT_POOL } from "../../adapters/wire/preferences.ts";
import { CLASSES, type NotificationClass } from "../../core/delivery/channel.ts";
import type { PreferenceStore } from "../../core/ports/preference-store.ts";
import { BLOCK_KINDS, type Block, type BlockKind, isSameBlock, REASON_MAX } from "../../core/preferences/block.ts";
import type { PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { isTombstone } from "../../core/preferences/tombstone.ts";
import { applyToSubjects, type PreferenceTarget, type SubjectPlan } from "./apply-to-subjects.ts";
import type { CheckEndpoint } from "./endpoint-columns.ts";
import type { Applied, ListKind } from "./import-list.ts";
import { faulty, type Parsed, type Row, TIME_RULE, timeOf } from "./row.ts";
import { readSubject, SUBJECT_COLUMNS, subjectRow } from "./subject-columns.ts";

export const SUPPRESSION_COLUMNS = [
  ...SUBJECT_COLUMNS.filter((column) => column !== "user_id"),
  ...(["kind", "sender_pool", "classes", "reason", "source", "blocked_at"] as const),
] as const;

/** A block of one endpoint. */
interface ListedBlock {
  subject: string;
  block: Block;
}

const SOURCE = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const POOL_MAX = 64;

/** Blocks of endpoints. One that is there already stays as it is, with its reason and its time. */
export function suppressionList(parts: {
  target: PreferenceTarget;
  checkEndpoint: CheckEndpoint;
  now: () => number;
}): ListKind<ListedBlock> {
  const { target, checkEndpoint, now } = parts;
  return {
    name: "suppressions",
    columns: SUPPRESSION_COLUMNS,
    parse: (row) => parse(row, checkEndpoint, now()),
    apply: (items, source) => applyToSubjects(target, items, source, planBlocks),
  };
}

function parse(row: Row, checkEndpoint: CheckEndpoint, now: number): Parsed<ListedBlock> {
  const subject = readSubject(row, checkEndpoint);
  if (subject.kind === "faults") return subject;
  const { kind = "manual", sender_pool: pool, reason = "imported", source = "import", blocked_at: blockedAt } = row;
  if (!isBlockKind(kind)) return faulty("kind", "enum.defined_only", `must be one of ${BLOCK_KINDS.join(", ")}`);
  if (pool !== undefined && kind !== "stop") return faulty("sender_pool", "block.pool", "must be left out unless the kind is stop");
  if (pool !== undefined && pool.length > POOL_MAX)
    return faulty("sender_pool", "string.max_len", `must have at most ${POOL_MAX} characters`);
  const classes = row.classes?.split(" ").filter((name) => name !== "");
  if (classes && !classes.every(isClass))
    return faulty("classes", "enum.defined_only", `must be some of ${CLASSES.join(", ")}, separated by spaces`);
  if (reason.length > REASON_MAX) return faulty("reason", "string.max_len", `must have at most ${REASON_MAX} characters`);
  if (!SOURCE.test(source))
    return faulty("source", "string.pattern", "must be a provider's name or such: lower-case letters, digits, dots and dashes");
  const at = blockedAt === undefined ? now : timeOf(blockedAt);
  if (at === undefined) return faulty("blocked_at", "timestamp", TIME_RULE);
  if (at > now) return faulty("blocked_at", "timestamp.lte_now", "must not be in the future");
  const block: Block = {
    ...{ kind, reason, source, at },
    ...(pool !== undefined && { pool: pool === DEFAULT_POOL ? "" : pool }),
    ...(classes && { classes: CLASSES.filter((name) => classes.includes(name)) }),
  };
  return { kind: "item", item: { subject: subject.item, block } };
}

const isBlockKind = (kind: string): kind is BlockKind => BLOCK_KINDS.some((k) => k === kind);
const isClass = (name: string): name is NotificationClass => CLASSES.some((c) => c === name);

/** Pure. */
function planBlocks(record: PreferenceRecord, items: readonly ListedBlock[]): SubjectPlan {
  const block: Block[] = [];
  const answers = items.map(({ block: given }): Applied => {
    if ([...record.blocks, ...block].some((b) => isSameBlock(b, given))) return "unchanged";
    block.push(given);
    return "changed";
  });
  return { change: { block }, answers };
}

/** Every block of an app. */
export async function* suppressionRows(preferences: Pick<PreferenceStore, "changedSince">, app: string): AsyncGenerator<Row> {
  for await (const { app: of, subject, blocks } of preferences.changedSince(0)) {
    if (of !== app || isTombstone(subject)) continue;
    for (const { kind, pool, classes, reason, source, at } of blocks)
      yield {
        ...{ ...subjectRow(subject), kind, reason, source, blocked_at: new Date(at).toISOString() },
        ...(pool !== undefined && { sender_pool: pool === "" ? DEFAULT_POOL : pool }),
        ...(classes && { classes: classes.join(" ") }),
      };
  }
}
