// What does a role cost that has nothing to do? Time to start, CPU and memory of each as a process of its own, with a SQLite store; and the whole system in one.
import { parseArgs } from "node:util";
import { type Idle, measureIdleDev, measureIdleRoles } from "./performance/idle.ts";
import { shown } from "./summary.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "20" } } });
/** Windows of a run: the spread between them shows what is periodic. */
const WINDOWS = 4;
const options = { storeUrl: "sqlite", windows: WINDOWS, windowMs: (Number(values.seconds) * 1_000) / WINDOWS, starts: 1 };

const print = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(" | ")} |\n`);
const printIdle = ({ name, startMs, startCpuMs, cpuPercent, mib }: Idle) =>
  print([
    name,
    `${(startMs.median / 1_000).toFixed(2)} s`,
    `${(startCpuMs.median / 1_000).toFixed(2)} s`,
    `${shown(cpuPercent, 1)} %`,
    `${mib.median.toFixed(0)} MiB`,
  ]);

print(["role", "start to ready", "CPU of the start", "idle: of a core", "resident"]);
print(["---", "---", "---", "---", "---"]);
for (const idle of await measureIdleRoles(options)) printIdle(idle);
printIdle(await measureIdleDev(options));
