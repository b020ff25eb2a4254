import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuMs, otherLoad, parseMachineStat, parseProcessStat, readMachine, treeTicks } from "./process-cpu.ts";

const stat = (command: string, parent: number, user: number, system: number) =>
  `4711 (${command}) S ${parent} 4711 4711 0 -1 4194560 20 0 0 0 ${user} ${system} 900 800 20 0 11 0 123456 1000000 5000`;

test("reads a process's parent and CPU time, whatever its command is called", () => {
  for (const command of ["node", "tmux: server", "a) S 1 (b", "(sd-pam)"])
    assert.deepEqual(parseProcessStat(stat(command, 42, 130, 7)), { parent: 42, cpuTicks: 137, endedTicks: 1_700 });
});

test("counts a process with its descendants only, also those that have ended", () => {
  const processes = new Map(
    [
      [1, 0, 1_000],
      [10, 1, 5],
      [11, 10, 7],
      [12, 11, 11],
      [13, 10, 13],
      [20, 1, 500],
    ].map(([pid, parent, cpuTicks]) => [pid!, { parent: parent!, cpuTicks: cpuTicks!, endedTicks: pid === 11 ? 100 : 0 }]),
  );
  assert.equal(treeTicks(processes, 10), 5 + 7 + 100 + 11 + 13);
  assert.equal(treeTicks(processes, 20), 500);
  assert.equal(treeTicks(processes, 99), 0);
});

test("reads the CPU time of all cores, separating programs from waiting and interrupts", () => {
  const text = "cpu  100 20 30 1000 40 5 6 7 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\nintr 5\n";
  assert.deepEqual(parseMachineStat(text), { busyTicks: 150, stolenTicks: 7, totalTicks: 1_208 });
});

test("other programs' use is that of all programs minus ours, in cores", () => {
  const from = { busyTicks: 1_000, stolenTicks: 0, totalTicks: 10_000, oursTicks: 500 };
  const to = { busyTicks: 1_350, stolenTicks: 20, totalTicks: 10_400, oursTicks: 800 };
  assert.deepEqual(otherLoad(from, to, 2), { cores: 0.25, stolenShare: 0.05 });
  // Both are counted in ticks, so ours may appear larger than the total.
  assert.equal(otherLoad(from, { ...to, oursTicks: 900 }, 2).cores, 0);
  assert.deepEqual(otherLoad(from, from, 2), { cores: 0, stolenShare: 0 });
});

test("CPU time of this process grows as it works, and is part of ours", () => {
  const [before, machine] = [cpuMs(process.pid), readMachine()];
  const { user } = process.cpuUsage();
  while (process.cpuUsage().user < user + 60_000);
  // A tick is 10 ms.
  assert.ok(cpuMs(process.pid) - before >= 40);
  assert.ok(readMachine().oursTicks > machine.oursTicks);
});
