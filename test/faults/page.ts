// What is told of a run: a line per row for who watches, and docs/reliability.md.
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
  const { account: a, broken } = result;
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
  const mark = broken.length > 0 ? "FAIL" : " ok ";
  const failed = Object.entries(a.failed).map(([reason, times]) => `       ${times} ${reason}`);
  return [
    `${mark} ${result.name.padEnd(22)} ${parts.join(", ")}`,
    `       ${proofOf(result)}`,
    ...failed,
    ...broken.map((b) => `     ! ${b}`),
  ].join("\n");
}

const proofOf = ({ proof, account: { criticalAfterOptOut: late } }: Extract<RowResult, { kind: "ran" }>) =>
  `${proof || "none"}${late.length > 0 ? `; ${late.length} critical ones went out although opted out, as preferences could not be read` : ""}`;

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
  const notes = rows.flatMap((r) => (r.kind === "ran" ? r.broken.map((b) => `- ${r.name}: ${b}`) : []));
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
    "What proves that each fault happened:",
    "",
    ...proofs,
    "",
  ].join("\n");
}

/** docs/reliability.md. */
export function page(results: readonly StoreResults[], today = new Date()): string {
  return `# Reliability, measured

Nothing accepted is lost, and nothing goes out twice unless a policy says so: this page is the proof, written by \`make faults\` on
${today.toISOString().slice(0, 10)}. Each row is a fault made while notifications come in on every channel, in every class, over both gateways, with real
servers and two processes of every role. The providers are played by \`sandbox/\`, whose ledger is the witness.

## How to read it

- **accepted**: deliveries that a caller was told of. A call that got no answer was made again with the same key until it got one.
- **sent once**: the store says sent, and the ledger holds exactly one acceptance by a provider.
- **uncertain**: an attempt whose outcome nobody knew for a while, and what resolved it: a receipt, a status query at the provider, the class's
  policy (\`critical\` is sent once more), or nothing (given up as \`failed: outcome-unknown\`).
- **suppressed**, **expired**, **failed**: ends that are not sent. Part of the load are people who opt-out while they are written to.
- **lost**: accepted, and not in the store, not ended within the row's bound, or said to be sent while no provider took it. Must be 0.
- **twice**: taken by providers more often than once and the resends on record. Must be 0.
- **after opt-out**: taken later than 5 s (and 0.5 s of tolerance) after the opt-out was answered. Must be 0. \`critical\` goes out where preferences cannot be
  read (promise 4); where that happened it stands beside the proof. Where a row slows the line to a provider, what counts is when the
  call began: what is on the line cannot be called back.
- **longest gap**: between two acceptances by any provider while there was load. **recovered**: from the fault's end until everything
  accepted in the row had ended, which includes what was scheduled up to 7 s ahead, and the waits for unknown outcomes.

## How to run it

\`make faults\` runs every row on both stores, side by side, and writes this page. \`node test/faults/main.ts --store sqlite --rows nats-kill
--seed 7\` runs one. It needs Linux and no rights but those of the user; as root it also fills a small disk. A short set runs with every
\`make test\`. The waits of the product are shortened (\`test/faults/world.ts\`), so that a row takes seconds; nothing else differs.

${results.map(section).join("\n")}
## Not run on one machine

Three NATS servers with a partition between them, the election of a MongoDB replica set and a stale primary, power loss, and packet loss
below TCP. Out of file descriptors or memory is a kill, which is here.
`;
}
