import { type Command, duration, fail, text } from "../command.ts";
import { SANDBOX_WAIT } from "../duration-bounds.ts";

/** The whole system on one machine, and the simulated providers. Loaded only when run: production needs none of it. */
export const DEV_COMMANDS: Readonly<Record<string, Command>> = {
  demo: {
    about: "starts the whole system, sends examples/notifications.jsonl, waits until every delivery has ended and checks the promises",
    usage: "[--file FILE]",
    options: { file: { type: "string" } },
    run: async ({ values, env }) => (await import("./demo.ts")).runDemo({ env, file: text(values.file) }),
  },
  up: {
    about:
      "runs the whole system in one process, against the sandbox, until Ctrl-C; its data stays in --directory (default .carillon) for the next start",
    usage: "[--directory DIR]",
    options: { directory: { type: "string" } },
    run: async ({ values, env }) => (await import("./dev-command.ts")).runDev({ env, directory: text(values.directory) }),
  },
  sandbox: {
    about: "simulates the providers for other processes, until SIGTERM or Ctrl-C (SANDBOX_DIRECTORY)",
    usage: "",
    options: {},
    run: async ({ env }) => (await import("./sandbox.ts")).runSandbox(env),
  },
  "sandbox credentials": {
    about: "for evaluation only: writes a sandbox's credentials, and a file for node --env-file, into a directory",
    usage: "--from SANDBOX_ADMIN_URL --to DIR [--wait 2m]",
    options: { from: { type: "string" }, to: { type: "string" }, wait: { type: "string", default: "2m" } },
    async run({ values }) {
      const { fetchCredentials } = await import("./sandbox-credentials.ts");
      const from = text(values.from) ?? fail("--from is missing: the URL of a sandbox's admin port");
      const waitMs = duration(values.wait, "--wait", SANDBOX_WAIT);
      await fetchCredentials({ from, to: text(values.to) ?? fail("--to is missing: a directory"), waitMs });
      return 0;
    },
  },
};
