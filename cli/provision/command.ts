import type { ShapeChange } from "../../adapters/schema-snapshot.ts";
import { provision, provisionVariables } from "../../operations/provision/provision.ts";
import { readConfig } from "../../runtime/config.ts";
import { closeLogger, createLogger } from "../../runtime/logger.ts";
import { startFault } from "../../runtime/until-signal.ts";
import type { Command } from "../command.ts";

export const PROVISION_COMMANDS: Readonly<Record<string, Command>> = {
  provision: {
    about:
      "creates what is missing in the store and in NATS, and checks what is there (STORE_URL, NATS_URL); exit status 1 if either cannot be used",
    usage: "",
    options: {},
    async run({ env }) {
      const config = readConfig(provisionVariables, env);
      const log = createLogger("provision", "warn");
      let status = 0;
      for await (const result of provision(config, log)) {
        if (result.kind === "ready") process.stdout.write(`${result.changes.map(changeText).join("\n")}\n`);
        else {
          process.stderr.write(`${startFault(result.error)}\n`);
          status = 1;
        }
      }
      await closeLogger(log);
      return status;
    },
  },
};

function changeText(change: ShapeChange): string {
  const line = `${change.kind.padEnd(9)} ${change.name}`;
  if (change.kind !== "changed") return line;
  return `${line}: ${change.settings.map(({ setting, from, to }) => `${setting} ${from} → ${to}`).join(", ")}`;
}
