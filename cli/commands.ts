import { CALLER_COMMANDS } from "./caller-commands.ts";
import { CAPACITY_COMMANDS } from "./capacity/command.ts";
import { type Command, fail, text } from "./command.ts";
import { configTable, configurationPage } from "./config-table.ts";
import { DEAD_COMMANDS } from "./dead.ts";
import { DEPLOY_COMMANDS } from "./deploy-commands.ts";
import { ROLE_NAMES, roleLoader } from "./roles.ts";
import { STORE_COMMANDS } from "./store-commands.ts";

/** By one word, or by two: "dead list". */
export const COMMANDS: Readonly<Record<string, Command>> = {
  demo: {
    about: "starts everything, sends examples/notifications.jsonl, waits for every end and counts the promises",
    usage: "[--file FILE]",
    options: { file: { type: "string" } },
    run: async ({ values, env }) => (await import("./dev/demo.ts")).runDemo({ env, file: text(values.file) }),
  },
  dev: {
    about: "keeps the whole system running in one process, against the sandbox, until Ctrl-C",
    usage: "[--directory DIR]",
    options: { directory: { type: "string" } },
    run: async ({ values, env }) => (await import("./dev/dev-command.ts")).runUp({ env, directory: text(values.directory) }),
  },
  ...CALLER_COMMANDS,
  ...STORE_COMMANDS,
  ...DEAD_COMMANDS,
  ...DEPLOY_COMMANDS,
  ...CAPACITY_COMMANDS,
  config: {
    about: "prints a role's environment variables as a table; --all: the page of all roles",
    usage: "ROLE | --all",
    options: { all: { type: "boolean" } },
    async run({ values, positionals }) {
      if (values.all === true) process.stdout.write(await configurationPage());
      else {
        const role = (await roleLoader(positionals[0] ?? "")?.()) ?? fail(`which role? ${ROLE_NAMES.join(", ")}`);
        process.stdout.write(`${configTable(role.variables)}\n`);
      }
      return 0;
    },
  },
};
