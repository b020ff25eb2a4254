import { readFileSync } from "node:fs";
import type { ParseArgsOptionsConfig } from "node:util";
import { CHANNELS } from "../core/channel.ts";
import { NotificationServiceService } from "../gen/carillon/v1/notification_service.ts";
import type { Environment } from "../infra/config.ts";
import { readConfig } from "../infra/config.ts";
import { callUnary } from "../infra/grpc/client.ts";
import { openConfiguredStore, storeVariables } from "../infra/store-config.ts";
import { createApiKey } from "./api-key.ts";
import { fetchTaken, readAudit } from "./audit.ts";
import { configTable, configurationPage } from "./config-table.ts";
import { toJson } from "./notification-json.ts";
import { createProgress } from "./progress.ts";
import { channelTable, checksText } from "./report.ts";
import { loadRole, ROLE_NAMES } from "./roles.ts";
import { CALL_MS, connectGateway, readCallFault } from "./rpc.ts";
import { readLines, sendLines } from "./send.ts";

/** The command line was not meant so; exit status 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

export interface Invocation {
  values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  positionals: readonly string[];
  env: Environment;
}

export interface Command {
  about: string;
  usage: string;
  options: ParseArgsOptionsConfig;
  /** Resolves to the exit status. */
  run(invocation: Invocation): Promise<number>;
}

const CLIENT_OPTIONS = { address: { type: "string" }, "key-file": { type: "string" } } as const;
const CLIENT_USAGE = "[--address HOST:PORT] [--key-file FILE]";

export const COMMANDS: Readonly<Record<string, Command>> = {
  demo: {
    about: "starts everything, sends examples/notifications.jsonl, waits for every end and counts the promises",
    usage: "[--file FILE]",
    options: { file: { type: "string" } },
    run: async ({ values, env }) => (await import("./demo.ts")).runDemo({ env, file: text(values.file) }),
  },
  dev: {
    about: "keeps the whole system running in one process, against the sandbox, until Ctrl-C",
    usage: "[--directory DIR]",
    options: { directory: { type: "string" } },
    run: async ({ values, env }) => (await import("./up.ts")).runUp({ env, directory: text(values.directory) }),
  },
  send: {
    about: "sends each line of a .jsonl file (or - for standard input); prints a result per line; exit status 1 when one was refused",
    usage: `--file FILE|- ${CLIENT_USAGE} [--rate PER_SECOND] [--batch N]`,
    options: { ...CLIENT_OPTIONS, file: { type: "string" }, rate: { type: "string" }, batch: { type: "string" } },
    async run({ values, env }) {
      const file = text(values.file) ?? fail("--file is missing");
      const rate = values.rate === undefined ? undefined : positive(values.rate, "--rate", 1_000_000);
      const batch = values.batch === undefined ? 100 : positive(values.batch, "--batch", 1_000);
      using clients = connect(values, env);
      const progress = createProgress("sent");
      let refused = 0;
      await sendLines(readLines(file), {
        client: clients.notifications,
        rate,
        batch,
        onResult(result) {
          if (result.error) refused++;
          process.stdout.write(`${JSON.stringify(result)}\n`);
          progress.add(1);
        },
      });
      progress.end();
      return refused > 0 ? 1 : 0;
    },
  },
  get: {
    about: "prints a notification with the state and attempts of each delivery",
    usage: `NOTIFICATION_ID ${CLIENT_USAGE}`,
    options: CLIENT_OPTIONS,
    async run({ values, positionals, env }) {
      const notificationId = positionals[0] ?? fail("which notification?");
      using clients = connect(values, env);
      try {
        const response = await callUnary(
          clients.notifications,
          NotificationServiceService.get,
          { notificationId },
          { deadlineMs: CALL_MS },
        );
        process.stdout.write(`${JSON.stringify(toJson(response), null, 2)}\n`);
        return 0;
      } catch (error) {
        const { code, message } = readCallFault(error);
        process.stderr.write(`carillon get: ${code}: ${message}\n`);
        return 1;
      }
    },
  },
  audit: {
    about: "counts the promises over everything stored (STORE_URL), and against a sandbox's ledger; exit status 1 when one is broken",
    usage: "[--ledger SANDBOX_ADMIN_URL] [--json]",
    options: { ledger: { type: "string" }, json: { type: "boolean" } },
    async run({ values, env }) {
      await using store = await openConfiguredStore(readConfig(storeVariables, env));
      const ledger = text(values.ledger);
      const { audit, notifications, attempts } = await readAudit(store, ledger ? { taken: await fetchTaken(ledger) } : {});
      const holds = audit.checks.every((c) => c.holds);
      if (values.json === true) {
        const { open, ended, deliveries, checks } = audit;
        process.stdout.write(`${JSON.stringify({ notifications: notifications.length, deliveries, open, ended, checks }, null, 2)}\n`);
      } else process.stdout.write(`${channelTable(audit, notifications, attempts)}\n\n${checksText(audit)}\n`);
      return holds ? 0 : 1;
    },
  },
  app: {
    about: "registers a calling service, or gives it one more API key, which is printed once (STORE_URL)",
    usage: "ID [--channels apns,fcm,webpush,sms,email]",
    options: { channels: { type: "string" } },
    async run({ values, positionals, env }) {
      const id = positionals[0] ?? fail("which app?");
      if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(id)) fail("an app's id is 1 to 63 of a-z, 0-9 and -");
      const named = text(values.channels)?.split(",");
      const channels = named?.map((n) => CHANNELS.find((c) => c === n.trim()) ?? fail(`--channels may hold ${CHANNELS.join(", ")}`));
      await using store = await openConfiguredStore(readConfig(storeVariables, env));
      const before = await store.apps.find(id);
      const { key, hash } = createApiKey();
      await store.apps.put({
        id,
        channels: channels ?? before?.channels ?? [...CHANNELS],
        keyHashes: [...(before?.keyHashes ?? []), hash],
      });
      process.stdout.write(`${key}\n`);
      return 0;
    },
  },
  config: {
    about: "prints a role's environment variables as a table; --all: the page of all roles",
    usage: "ROLE | --all",
    options: { all: { type: "boolean" } },
    async run({ values, positionals }) {
      if (values.all === true) process.stdout.write(await configurationPage());
      else {
        const role = (await loadRole(positionals[0] ?? "")) ?? fail(`which role? ${ROLE_NAMES.join(", ")}`);
        process.stdout.write(`${configTable(role.variables)}\n`);
      }
      return 0;
    },
  },
};

const text = (value: unknown) => (typeof value === "string" ? value : undefined);

function fail(message: string): never {
  throw new UsageError(message);
}

function positive(value: unknown, name: string, max: number): number {
  const n = Number(value);
  return n > 0 && n <= max ? n : fail(`${name} must be a number above 0, at most ${max}`);
}

/** The gateway and the key that options, or CARILLON_ADDRESS and CARILLON_API_KEY_FILE, name. */
function connect(values: Invocation["values"], env: Environment) {
  const address = text(values.address) ?? env.CARILLON_ADDRESS ?? "127.0.0.1:7700";
  const file =
    text(values["key-file"]) ??
    env.CARILLON_API_KEY_FILE ??
    fail("--key-file or CARILLON_API_KEY_FILE must name the file that holds the API key");
  let key: string;
  try {
    key = readFileSync(file, "utf8").trim();
  } catch {
    return fail("the API key's file cannot be read");
  }
  return connectGateway(address, key);
}
