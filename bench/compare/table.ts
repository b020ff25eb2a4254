import { type Summary, shown } from "../summary.ts";
import type { Origin } from "./machine.ts";
import type { Section } from "./section.ts";

export interface Result extends Origin {
  /** Duration of the whole run. */
  seconds: number;
  sections: readonly Section[];
}

/** The result as Markdown, for people. */
export function printed({ date, commit, machine, versions, seconds, sections }: Result): string {
  return [
    `${date}, commit ${commit}, ${seconds} s. ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.linux};`,
    `Node ${versions.node}, nats-server ${versions.nats}, Redis ${versions.redis}. Median (min-max).`,
    ...sections.flatMap(sectionLines),
  ].join("\n");
}

function sectionLines({ question, rounds, clean, busy, otherCores, rows, ratios }: Section): string[] {
  const n = busy ? rounds : clean;
  return [
    "",
    `## ${question}`,
    busy
      ? `BUSY MACHINE: only ${clean} of ${rounds} rounds were undisturbed, so all of them count. Others used ${shown(otherCores)} cores.`
      : `n = ${n} of ${rounds} rounds; ${rounds - n} were disturbed by others and left out. Others used ${shown(otherCores)} cores.`,
    "",
    "| | per second | CPU us each | of that, by process | instruments |",
    "| --- | --- | --- | --- | --- |",
    ...rows.map(
      (row) =>
        `| ${row.side} | ${shown(row.perSecond, 0)} | ${shown(row.cpuUsTotal, digits(row.cpuUsTotal))} | ${byProcess(row.cpuUs)} | ${byProcess(row.instrumentUs)} |`,
    ),
    "",
    "| ratio | |",
    "| --- | --- |",
    ...ratios.map(({ what, ratio }) => `| ${what} | ${shown(ratio)} |`),
  ];
}

/** Digits of a figure in us: the ticks of /proc allow no more. */
const digits = ({ median }: Summary) => (median < 20 ? 1 : 0);

const byProcess = (cpuUs: Readonly<Record<string, Summary>>): string =>
  Object.entries(cpuUs)
    .map(([process, us]) => `${process} ${us.median.toFixed(digits(us))}`)
    .join(", ");
