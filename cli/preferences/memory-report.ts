import {
  INTSET_ENTRIES_ADVISED,
  INTSET_ENTRIES_DEFAULT,
  membersOfFirstTable,
  type OptOutMemory,
  optOutMemory,
} from "../../operations/opt-out-memory/opt-out-memory.ts";
import { bytes, grouped } from "../capacity/report.ts";
import { table } from "../table.ts";

interface MemoryDemand {
  users: number;
  /** Of the users, 0 to 1. */
  optedOut: number;
  /** Refusals of each who opted out. */
  choices: number;
  /** Consents without an end: to be sent what is opted out by default, or in spite of a wider refusal. */
  consents: number;
  /** Blocked endpoints. */
  blocks: number;
}

export function memoryReport({ users, optedOut, choices, consents, blocks }: MemoryDemand): string {
  const refusals = Math.round(users * optedOut) * choices;
  const members = refusals + consents + blocks;
  const plans = [INTSET_ENTRIES_DEFAULT, INTSET_ENTRIES_ADVISED].map((entries) => ({
    entries,
    plan: optOutMemory(members, { intsetEntries: entries }),
  }));
  const [byDefault, advised] = [plans[0]!.plan, plans[1]!.plan];
  return [
    `${grouped(members)} members: ${grouped(refusals)} refusals of ${grouped(users * optedOut)} users, ${grouped(consents)} consents, ${grouped(blocks)} blocked endpoints`,
    table(
      ["set-max-intset-entries", "sets", "members each", "hash tables", "bytes a member", "in all"],
      plans.map(({ entries, plan }) => [entries === INTSET_ENTRIES_DEFAULT ? `${entries} (default)` : String(entries), ...cells(plan)]),
    ),
    advice(members, byDefault, advised),
  ].join("\n\n");
}

const cells = (plan: OptOutMemory) => [
  grouped(plan.sets),
  grouped(plan.membersPerSet),
  grouped(plan.tables),
  plan.bytesPerMember.toFixed(1),
  bytes(plan.bytes),
];

function advice(members: number, byDefault: OptOutMemory, advised: OptOutMemory): string {
  const firstTable = membersOfFirstTable(INTSET_ENTRIES_DEFAULT);
  const first = grouped(Math.round(firstTable / 1e5) * 1e5);
  if (advised.tables >= 1)
    return `! with set-max-intset-entries ${INTSET_ENTRIES_ADVISED}, too, ${grouped(advised.tables)} sets are hash tables, which take several times as much; give Redis ${bytes(2 * advised.bytes)}`;
  if (byDefault.tables >= 1)
    return `! from about ${first} members on, sets turn into hash tables: set set-max-intset-entries to ${INTSET_ENTRIES_ADVISED}, which saves ${bytes(byDefault.bytes - advised.bytes)}`;
  return `The default is enough: sets turn into hash tables from about ${first} members on${members === 0 ? "" : `, ${(firstTable / members).toFixed(1)} times as many`}`;
}
