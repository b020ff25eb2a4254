import { planCapacity } from "../../operations/capacity/capacity.ts";
import type { Command } from "../command.ts";
import { explainCapacity } from "./explain.ts";
import { CAPACITY_OPTIONS, CAPACITY_USAGE, readDemand } from "./options.ts";
import { capacityReport } from "./report.ts";
import { capacityValues, toYaml } from "./values.ts";

const VALUES_TITLE = `# values.yaml: the values derived from the above. Add your own for addresses, Secrets and accounts.`;

export const CAPACITY_COMMANDS: Readonly<Record<string, Command>> = {
  capacity: {
    about: "computes pods and the size of MongoDB, Redis and NATS for a number of notifications per day, and prints the chart's values",
    usage: CAPACITY_USAGE,
    options: CAPACITY_OPTIONS,
    async run({ values }) {
      const plan = planCapacity(readDemand(values));
      const chart = toYaml(capacityValues(plan));
      if (values.values === true) process.stdout.write(chart);
      else if (values.json === true) process.stdout.write(`${JSON.stringify({ ...plan, values: capacityValues(plan) }, null, 2)}\n`);
      else {
        const report = capacityReport(plan, { nodes: values.nodes === true });
        const explained = values.explain === true ? [explainCapacity(plan)] : [];
        process.stdout.write(`${[report, ...explained, `${VALUES_TITLE}\n${chart}`].join("\n\n")}`);
      }
      return 0;
    },
  },
};
