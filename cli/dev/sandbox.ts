import { type Environment, flag, list, readConfig, text, url, type Variable } from "../../runtime/config.ts";
import { runUntilSignal } from "../../runtime/until-signal.ts";
import { LISTENER_NAMES, type Ports, parsePorts } from "../../sandbox/ports.ts";

/** What `carillon sandbox` reads. */
const sandboxVariables = {
  SANDBOX_DIRECTORY: text({ reason: "keeps credentials, certificate and port numbers across restarts" }),
  SANDBOX_HOST: text({
    default: "127.0.0.1",
    reason: "address to listen on; anyone who can reach it can read what was sent and inject faults",
  }),
  SANDBOX_NAMES: list(undefined, {
    default: "",
    reason: "host names of the sandbox: the certificate is valid for all, and URLs use the first; empty: 127.0.0.1",
  }),
  SANDBOX_PORTS: {
    type: "list of name=port",
    default: "",
    reason: `fixed ports, of ${LISTENER_NAMES.join(", ")}; the others are those of the last run in this directory, or any free ones`,
    parse(given) {
      const pairs = given.split(",").flatMap((pair): [string, string][] => (pair === "" ? [] : [halves(pair)]));
      const ports = parsePorts(pairs);
      if (Object.keys(ports).length < pairs.length) throw new Error(`must be like admin=7750,apns=7751, of ${LISTENER_NAMES.join(", ")}`);
      return ports;
    },
  } satisfies Variable<Ports>,
  SANDBOX_WEBHOOKS_URL: {
    ...url(["http"], { reason: "base URL of the feedback role, which receives the webhooks; empty: none are sent" }),
    default: "",
    parse: (given) => (given === "" ? "" : url(["http"], { reason: "" }).parse(given)),
  } satisfies Variable<string>,
  SANDBOX_SHARE_CREDENTIALS: flag({
    default: "false",
    reason: "for evaluation only: the admin port gives every credential to anyone who asks, for `carillon sandbox credentials`",
  }),
};

const halves = (pair: string): [string, string] => [pair.split("=")[0]?.trim() ?? "", pair.split("=")[1]?.trim() ?? ""];

/** Runs until SIGINT or SIGTERM. Never resolves: the process ends. */
export async function runSandbox(env: Environment): Promise<number> {
  await runUntilSignal(async () => {
    const config = readConfig(sandboxVariables, env);
    const { startSandbox } = await import("../../sandbox/main.ts");
    const sandbox = await startSandbox({
      directory: config.SANDBOX_DIRECTORY,
      host: config.SANDBOX_HOST,
      names: config.SANDBOX_NAMES,
      ports: config.SANDBOX_PORTS,
      webhooksUrl: config.SANDBOX_WEBHOOKS_URL || undefined,
      shareCredentials: config.SANDBOX_SHARE_CREDENTIALS,
    });
    process.stdout.write(`  sandbox   ${sandbox.adminUrl}   /inbox shows what arrived, GET /ledger lists it\n`);
    return sandbox;
  });
  return 0;
}
