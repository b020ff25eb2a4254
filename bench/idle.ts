// What does a role cost that has nothing to do? Time to start, CPU and memory of each as a process of its own, with a SQLite store; and the whole system in one.
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { cpuMs, residentBytes } from "./process-cpu.ts";
import { type Program, startProgram } from "./program.ts";
import { startPushStub } from "./quick/push-stub.ts";
import { startWorld } from "./world.ts";

/** After the start: its sweeps, caches and first readings are done. */
const SETTLE_MS = 5_000;
const MIB = 1_024 ** 2;
const ROLES = ["preferences", "gateway", "relay", "dispatcher-apns", "feedback", "autoscaler"];

const { values } = parseArgs({ options: { seconds: { type: "string", default: "20" } } });
const idleMs = Number(values.seconds) * 1_000;

interface Started {
  name: string;
  program: Program;
  startMs: number;
  startCpuMs: number;
}

async function started(name: string, start: () => Promise<Program>): Promise<Started> {
  const began = performance.now();
  const program = await start();
  return { name, program, startMs: performance.now() - began, startCpuMs: cpuMs(program.pid) };
}

const print = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(" | ")} |\n`);

/** All are idle at the same time. */
async function printIdle(all: readonly Started[]): Promise<void> {
  await delay(SETTLE_MS);
  const before = all.map(({ program }) => cpuMs(program.pid));
  await delay(idleMs);
  for (const [i, { name, program, startMs, startCpuMs }] of all.entries()) {
    const share = (cpuMs(program.pid) - before[i]!) / idleMs;
    const size = residentBytes(program.pid) / MIB;
    print([
      name,
      `${(startMs / 1_000).toFixed(2)} s`,
      `${(startCpuMs / 1_000).toFixed(2)} s`,
      `${(share * 100).toFixed(1)} %`,
      `${size.toFixed(0)} MiB`,
    ]);
  }
}

print(["role", "start to ready", "CPU of the start", "idle: of a core", "resident"]);
print(["---", "---", "---", "---", "---"]);
{
  await using world = await startWorld();
  await using stack = new AsyncDisposableStack();
  stack.use(await startPushStub(world));
  const roles: Started[] = [];
  for (const name of ROLES) {
    const role = await started(name, () => world.role(name));
    stack.use(role.program);
    const { grpc } = (role.program as Awaited<ReturnType<typeof world.role>>).addresses;
    if (name === "preferences") world.env.PREFERENCES_ADDRESS = grpc ?? "";
    roles.push(role);
  }
  await printIdle(roles);
}
await using dev = startProgram(["cli/carillon.ts", "dev"], { HOME: process.env.HOME ?? "" });
const all = await started("carillon dev (all roles and the sandbox)", async () => {
  await dev.printed((text) => text.includes("Ctrl-C"));
  return dev;
});
await printIdle([all]);
