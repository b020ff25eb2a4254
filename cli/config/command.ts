import { type Command, fail } from "../command.ts";
import { ROLE_NAMES, roleLoader } from "../roles.ts";
import { configTable, configurationPage } from "./config-table.ts";

export const CONFIG_COMMANDS: Readonly<Record<string, Command>> = {
  config: {
    about: "prints a role's environment variables as a table; --all: the page of all roles",
    usage: "ROLE | --all",
    options: { all: { type: "boolean" } },
    async run({ values, positionals }) {
      if (values.all === true) process.stdout.write(await configurationPage());
      else {
        const role = (await roleLoader(positionals[0] ?? "")?.()) ?? fail(`ROLE must be one of ${ROLE_NAMES.join(", ")}`);
        process.stdout.write(`${configTable(role.variables)}\n`);
      }
      return 0;
    },
  },
};
