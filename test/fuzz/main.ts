// Coverage-guided fuzzing of everything that reads foreign bytes: node test/fuzz/main.ts [--seconds N] [--targets a,b] [--seed N]
// Exit status 1 when an input breaks what must hold, 2 when the command line is invalid.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import { FUZZ_TARGETS } from "./targets.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "5" }, targets: { type: "string" }, seed: { type: "string" } },
});
const seconds = Number(values.seconds);
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const names = values.targets?.split(",") ?? FUZZ_TARGETS.map(({ name }) => name);
const targets = names.map((name) => FUZZ_TARGETS.find((t) => t.name === name));
if (!(seconds > 0) || !Number.isSafeInteger(seed) || targets.includes(undefined)) {
  process.stderr.write(
    `usage: node test/fuzz/main.ts [--seconds N] [--targets a,b] [--seed N]\ntargets: ${FUZZ_TARGETS.map((t) => t.name).join(", ")}\n`,
  );
  process.exit(2);
}

process.stdout.write(`seed ${seed}, ${seconds} s for each target\n`);
for (const target of targets) {
  const until = performance.now() + seconds * 1_000;
  const { runs, corpus, reached, slowestMs, failure } = await fuzz(target!, {
    seed,
    runs: Number.POSITIVE_INFINITY,
    stop: () => performance.now() >= until,
  });
  const found = `${runs} inputs, ${corpus} kept, ${reached} blocks reached, slowest ${slowestMs.toFixed(1)} ms`;
  process.stdout.write(`${failure ? "FAIL" : " ok "} ${target!.name.padEnd(45)} ${found}\n`);
  if (failure === undefined) continue;
  process.exitCode = 1;
  process.stdout.write(
    `     ! ${failure.error instanceof Error ? failure.error.message : failure.error}\n       input: ${failure.input.toString("hex")}\n`,
  );
}
