import { type Command, duration, fail, text } from "./command.ts";

/** What installations run: once for each release, or beside the system while it is tried out. */
export const DEPLOY_COMMANDS: Readonly<Record<string, Command>> = {
  provision: {
    about:
      "makes what is missing in the store and in NATS, and checks what is there (STORE_URL, NATS_URL); exit status 1 when either must not be used",
    usage: "",
    options: {},
    run: async ({ env }) => (await import("../operations/provision.ts")).runProvision(env),
  },
  sandbox: {
    about: "plays the providers for other processes, until SIGTERM or Ctrl-C (SANDBOX_DIRECTORY)",
    usage: "",
    options: {},
    run: async ({ env }) => (await import("./dev/sandbox.ts")).runSandbox(env),
  },
  "sandbox credentials": {
    about: "for evaluation only: writes a sandbox's credentials, and a file for node --env-file, into a directory",
    usage: "--from SANDBOX_ADMIN_URL --to DIR [--wait 2m]",
    options: { from: { type: "string" }, to: { type: "string" }, wait: { type: "string", default: "2m" } },
    async run({ values }) {
      const { fetchCredentials } = await import("./dev/sandbox-credentials.ts");
      const from = text(values.from) ?? fail("--from is missing: the URL of a sandbox's admin port");
      const waitMs = duration(text(values.wait) ?? "", "--wait");
      await fetchCredentials({ from, to: text(values.to) ?? fail("--to is missing: a directory"), waitMs });
      return 0;
    },
  },
};
