// Reports a run: a line per row on the terminal, and docs/reliability.md.
import type { RowResult } from "./row.ts";
import type { StoreKind } from "./world.ts";

export interface StoreResults {
  store: StoreKind;
  versions: Record<string, string>;
  seed: number;
  rows: RowResult[];
  tookMs: number;
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);

export function line(result: RowResult): string {
  if (result.kind === "skipped") return `  -  ${result.name.padEnd(22)} not run: ${result.reason}`;
  const { account: a, broken, slow } = result;
  const { uncertain: u } = a;
  const parts = [
    ...[`accepted ${a.accepted}`, `once ${a.sentOnce}`],
    `uncertain ${u.total}${u.total ? ` (${u.receipt} receipt, ${u.statusQuery} status query, ${u.resent} resent, ${u.givenUp} given up)` : ""}`,
    ...[`suppressed ${a.suppressed}`, `expired ${a.expired}`, `failed ${sum(a.failed)}`],
    ...[`LOST ${a.lost.length}`, `TWICE ${a.twice.length}`, `after opt-out ${a.afterOptOut.length}`],
    `gap ${seconds(a.longestGapMs)}`,
    `recovered ${a.recoveredMs === undefined ? "never" : seconds(a.recoveredMs)}`,
    `took ${seconds(result.tookMs)}`,
  ];
  const mark = broken.length > 0 ? "FAIL" : slow.length > 0 ? "SLOW" : " ok ";
  const failed = Object.entries(a.failed).map(([reason, times]) => `       ${times} ${reason}`);
  return [
    `${mark} ${result.name.padEnd(22)} ${parts.join(", ")}`,
    `       ${proofOf(result)}`,
    ...failed,
    ...broken.map((b) => `     ! ${b}`),
    ...slow.map((s) => `     ? ${s}`),
  ].join("\n");
}

const proofOf = ({ proof, account: { criticalAfterOptOut: late } }: Extract<RowResult, { kind: "ran" }>) =>
  `${proof || "none"}${late.length > 0 ? `; ${late.length} critical ones were sent despite an opt-out, because preferences could not be read` : ""}`;

const HEAD = [
  ...["fault", "what is done", "accepted", "sent once", "uncertain", "suppressed", "expired", "failed"],
  ...["**lost**", "**twice**", "after opt-out", "longest gap", "recovered"],
];

function cells(result: RowResult): string[] {
  if (result.kind === "skipped")
    return [result.name, `${result.about} (not run: ${result.reason})`, ...Array.from({ length: HEAD.length - 2 }, () => "")];
  const { account: a } = result;
  const u = a.uncertain;
  const ways = [
    [u.receipt, "receipt"],
    [u.statusQuery, "status-query"],
    [u.resent, "resent"],
    [u.givenUp, "given up"],
  ] as const;
  const resolved = ways.filter(([n]) => n > 0).map(([n, how]) => `${n} ${how}`);
  return [
    ...[result.name, result.about, `${a.accepted}`, `${a.sentOnce}`],
    u.total === 0 ? "0" : `${u.total}: ${resolved.join(", ") || "open"}`,
    ...[`${a.suppressed}`, `${a.expired}`, `${sum(a.failed)}`, `${a.lost.length}`, `${a.twice.length}`, `${a.afterOptOut.length}`],
    ...[seconds(a.longestGapMs), a.recoveredMs === undefined ? "never" : seconds(a.recoveredMs)],
  ];
}

const tableRow = (texts: readonly string[]) => `| ${texts.join(" | ")} |`;

function section({ store, versions, rows, seed, tookMs }: StoreResults): string {
  const notesOf = (what: "broken" | "slow") => rows.flatMap((r) => (r.kind === "ran" ? r[what].map((note) => `- ${r.name}: ${note}`) : []));
  const [notes, slow] = [notesOf("broken"), notesOf("slow")];
  const proofs = rows.flatMap((r) => (r.kind === "ran" ? [`- ${r.name}: ${proofOf(r)}`] : []));
  return [
    `## On ${store === "sqlite" ? "SQLite" : "MongoDB"}`,
    "",
    `${Object.entries(versions)
      .map(([what, version]) => `${what} ${version}`)
      .join("; ")}. Seed ${seed}, ${Math.round(tookMs / 60_000)} min.`,
    "",
    tableRow(HEAD),
    tableRow(HEAD.map((_, i) => (i < 2 ? "---" : "---:"))),
    ...rows.map((r) => tableRow(cells(r))),
    "",
    ...(notes.length > 0 ? ["Broken in this run:", "", ...notes, ""] : []),
    ...(slow.length > 0 ? ["Not told by this run, because the machine was too slow:", "", ...slow, ""] : []),
    "What proves that each fault happened:",
    "",
    ...proofs,
    "",
  ].join("\n");
}

/** docs/reliability.md. */
export function page(results: readonly StoreResults[], today = new Date()): string {
  return `# Reliability, measured

Nothing accepted is lost, and nothing is sent twice unless a policy says so. This page is the proof, written by \`make faults\` on
${today.toISOString().slice(0, 10)}. Each row is one fault, injected while notifications arrive on every channel, in every class, at both gateways, with real servers
and two processes of every role. \`sandbox/\` simulates the providers; its ledger says what arrived.

## How to read it

- **accepted**: deliveries that a caller was told are accepted. Callers repeat a call without an answer, with the same key, until they get one.
- **sent once**: the store says sent, and the ledger holds exactly one acceptance by a provider.
- **uncertain**: attempts that were in doubt, and what resolved them: a receipt, a status query at the provider, the policy
  (critical is sent once more, and a transactional push, whose copy replaces the first one), or nothing (given up as \`failed\` with \`outcome-unknown\`).
- **suppressed**, **expired**, **failed**: ended without being sent. Some recipients refuse while notifications to them are on the way: they opt out, withdraw
  a consent, or their endpoint is blocked, which is written to the store alone.
- **lost**: accepted, but missing in the store, still open when none had ended for 120 s or longer, or recorded as sent while no provider accepted
  it. Must be 0.
- **twice**: accepted by providers more often than once plus the recorded resends. Must be 0.
- **after opt-out**: accepted by a provider later than 5 s (plus 0.5 s of tolerance) after the refusal was answered. Must be 0. \`critical\` is
  sent while preferences cannot be read (promise 4); where that happened, the proof says so. In rows that slow down the network to a provider,
  the start of the call counts: a request on its way cannot be called back.
- **longest gap**: the longest time between two acceptances by any provider under load. **recovered**: from the end of the fault until
  everything accepted in the row had ended, including what was scheduled up to 7 s ahead and the waits for outcomes in doubt.

## How to run it

\`make faults\` runs every row on both stores and writes this page: side by side on 8 cores or more, else one store after the other.
\`node test/faults/main.ts --store sqlite --rows nats-kill --seed 7\` runs one row. It needs Linux and no special rights; as root it also fills a small
disk. A short set runs with every \`make test\`. The product's wait times are shortened (\`test/faults/world.ts\`), so that a row takes seconds; nothing
else differs. The rows' own bounds grow with the time that the system took to start, and a row that cannot tell because the machine is too slow says so.

${results.map(section).join("\n")}
## Not run on one machine

Three NATS servers with a partition between them, the election of a MongoDB replica set and a stale primary, power loss, and packet loss
below TCP. Running out of file descriptors or memory is a kill, which is covered.
`;
}
