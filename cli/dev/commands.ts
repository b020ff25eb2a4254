import { type Command, duration, fail, isHttpUrl, text } from "../command.ts";
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
    details: [
      "It starts servers of its own, and these variables name others to use instead, which it says at the start:",
      "",
      "  STORE_URL       the store, in place of carillon.sqlite in the directory",
      "  NATS_URL        NATS, in place of a nats-server that it starts",
      "  REDIS_URL       Redis, in place of one that it starts",
      "",
      "GATEWAY_LISTEN, GATEWAY_HTTP_LISTEN and CONSOLE_LISTEN set where people reach it; otherwise these are 127.0.0.1:7700, 7701 and 7750, or free ports. Each",
      "other variable of a role (carillon config ROLE) overrides what is set up here: a provider's credentials send to that provider and not to the sandbox.",
      "",
      "What another `up` has written into its env file counts for no other directory: in a terminal that has read that file, those values are ignored, which",
      "is said, too. A variable that you set yourself counts.",
    ].join("\n"),
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
      if (!isHttpUrl(from)) fail("--from must be the URL of a sandbox's admin port, such as http://127.0.0.1:7750");
      const waitMs = duration(values.wait, "--wait", SANDBOX_WAIT);
      await fetchCredentials({ from, to: text(values.to) ?? fail("--to is missing: a directory"), waitMs });
      return 0;
    },
  },
};
