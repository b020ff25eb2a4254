// Attacks against the real processes under the chart's memory limit: node test/attack/main.ts [--attacks a,b] [--write]
// Exit status 1 when something broke, 2 when the command line is invalid.
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { POD_MEMORY_BYTES } from "../support/pod-memory.ts";
import { CALLER_ATTACKS } from "./attacks-callers.ts";
import { GRPC_ATTACKS } from "./attacks-grpc.ts";
import { HTTP_ATTACKS } from "./attacks-http.ts";
import { HTTP_JSON_ATTACKS } from "./attacks-http-json.ts";
import type { Answers } from "./grpc-wire.ts";
import { measure, type Result } from "./measure.ts";
import { startAttackWorld } from "./world.ts";

const PAGE = join(import.meta.dirname, "../../docs/attacks.md");
const ATTACKS = [...GRPC_ATTACKS, ...HTTP_JSON_ATTACKS, ...HTTP_ATTACKS, ...CALLER_ATTACKS];

const { values } = parseArgs({ options: { attacks: { type: "string" }, write: { type: "boolean" }, "keep-logs": { type: "string" } } });
const wanted = values.attacks?.split(",") ?? ATTACKS.map(({ name }) => name);
const attacks = wanted.map((name) => ATTACKS.find((a) => a.name === name));
if (attacks.includes(undefined)) {
  process.stderr.write(
    `usage: node test/attack/main.ts [--attacks a,b] [--write] [--keep-logs DIRECTORY]\nattacks: ${ATTACKS.map((a) => a.name).join(", ")}\n`,
  );
  process.exit(2);
}

const results: Result[] = [];
{
  await using world = await startAttackWorld();
  for (const attack of attacks) {
    const result = await measure(world, attack!);
    results.push(result);
    process.stdout.write(`${line(result)}\n`);
  }
  if (values["keep-logs"]) cpSync(join(world.directory, "logs"), values["keep-logs"], { recursive: true });
}
const broken = results.filter((r) => r.broken.length > 0).map((r) => r.attack.name);
process.stdout.write(`\n${results.length} attacks, ${broken.length === 0 ? "none did harm" : `harm by ${broken.join(", ")}`}\n`);
if (values.write) writeFileSync(PAGE, page());
process.exitCode = broken.length > 0 ? 1 : 0;

function line({ attack, answers, tookMs, peakBytes, observed, broken }: Result): string {
  return [
    `${broken.length > 0 ? "FAIL" : " ok "} ${attack.name.padEnd(20)} ${seconds(tookMs)}, ${attack.target} at most ${mb(peakBytes)}, /healthz ${Math.round(observed.healthMs)} ms`,
    `       attacker: ${list(answers)}`,
    `       ordinary caller: ${observed.calls} calls, p50 ${Math.round(observed.p50Ms)} ms, p99 ${Math.round(observed.p99Ms)} ms`,
    ...broken.map((b) => `     ! ${b}`),
  ].join("\n");
}

function page(): string {
  const rows = results.map(({ attack, answers, tookMs, peakBytes, observed, broken }) =>
    [
      ...[attack.name, attack.about, attack.target, seconds(tookMs), mb(peakBytes), `${Math.round(observed.healthMs)} ms`],
      ...[
        `${observed.calls}: ${Math.round(observed.p50Ms)} / ${Math.round(observed.p99Ms)} ms`,
        list(answers),
        broken.join("; ") || "no harm",
      ],
    ].join(" | "),
  );
  const heads = [
    "attack",
    "what is done",
    "target",
    "took",
    "memory at most",
    "/healthz at most",
    "ordinary caller: calls, p50 / p99",
    "the attacker is answered",
    "result",
  ];
  return `# Attacks

\`make attack\` runs every attack below against real processes whose heap is sized as the chart sizes it, and writes this page. An ordinary caller
sends one critical text after the other meanwhile. An attack does harm where a process ends, needs more than the chart's ${mb(POD_MEMORY_BYTES)}, answers
its liveness probe too late, answers the attacker what it must not, or fails the ordinary caller. [security.md](security.md) states the limits.

Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}.

| ${heads.join(" | ")} |
|${" --- |".repeat(heads.length)}
${rows.map((row) => `| ${row} |`).join("\n")}
`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function mb(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

function list(answers: Answers): string {
  const entries = Object.entries(answers).sort(([, a], [, b]) => b - a);
  return entries.map(([answer, times]) => `${times} ${answer}`).join(", ") || "nothing";
}
