import { existsSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Environment } from "../../runtime/config.ts";
import { runUntilSignal } from "../../runtime/until-signal.ts";
import { connectGateway, readCallFault } from "../gateway/connect.ts";
import { DEV_APP, type DevSystem, startDev, withoutPassword } from "./dev.ts";
import { lockDirectory } from "./directory-lock.ts";
import { DIRECTORY, foreignText, healthAddresses, quoted, withoutExports, writeExports } from "./exports.ts";
import { EXAMPLES, registerExamples } from "./seed.ts";

/** The default port of `carillon send`; the README uses it too. */
const GATEWAY_PORT = 7700;
/** The port of HTTP/JSON; the README uses it too. */
const HTTP_PORT = 7701;
/** The default port of the role console. */
const CONSOLE_PORT = 7750;

/** Runs the system until SIGINT or SIGTERM, with its data in the directory, so that the next start goes on with it. Never resolves: the process ends. */
export async function runDev({ env: given, directory }: { env: Environment; directory: string | undefined }): Promise<number> {
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  await runUntilSignal(async () => {
    await using stack = new AsyncDisposableStack();
    const home = resolve(directory ?? DIRECTORY);
    stack.use(lockDirectory(home));
    const own = withoutExports(home, given);
    const { env } = own;
    for (const line of foreignText(own)) print(line);
    // The first link is printed with the addresses, those that the console's page asks for later by themselves.
    let [consoleLink, isUp] = ["", false];
    const system = stack.use(
      await startDev({
        directory: home,
        env: { ...env, LOG_LEVEL: env.LOG_LEVEL ?? "info" },
        gatewayPort: GATEWAY_PORT,
        httpPort: HTTP_PORT,
        consolePort: CONSOLE_PORT,
        onConsoleLink(url) {
          if (isUp) print(`  console   ${url}   signs you in once, within 5 minutes`);
          else consoleLink = url;
        },
        onStart: (words) => print(`  ${words}`),
      }),
    );
    const keyFile = join(home, "api-key");
    writeFileSync(keyFile, `${system.apiKey}\n`, { mode: 0o600 });
    const { gatewayAddress, roles } = system;
    const addresses = { CARILLON_ADDRESS: gatewayAddress, CARILLON_API_KEY_FILE: keyFile, CARILLON_HEALTH: healthAddresses(roles) };
    const exports = writeExports(home, addresses, { env: system.env, given: env });
    const users = await seed(home, system);
    print(upText(system, { env, keyFile, exports, users, consoleLink }));
    isUp = true;
    const kept = stack.move();
    return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
  });
  return 0;
}

/**
 * Registers the users of examples/ once in a directory. Resolves to what is said about them. The system is of use without them too: where variables name
 * providers of another sandbox, this one's browsers are not allowed.
 */
async function seed(home: string, system: DevSystem): Promise<string> {
  const marker = join(home, "seeded");
  const said = "ada, bela, chen and others of examples/contacts.jsonl, with every channel";
  if (existsSync(marker)) return said;
  using clients = connectGateway(system.gatewayAddress, system.apiKey);
  try {
    await registerExamples(EXAMPLES, clients, system.sandbox);
  } catch (error) {
    return `those of the examples could not all be registered: ${readCallFault(error).message}`;
  }
  writeFileSync(marker, "The users of examples/ are registered.\n");
  return said;
}

interface Shown {
  env: Environment;
  keyFile: string;
  exports: string;
  users: string;
  /** Empty: people sign in elsewhere. */
  consoleLink: string;
}

/** Which ports that users know are taken, so that they do not call another process. An address that a variable names is never moved. */
function movedText({ gatewayAddress, httpUrl, consoleUrl, sandbox }: DevSystem, env: Environment): string[] {
  const isMoved = (variable: string, address: string, port: number) => env[variable] === undefined && !address.endsWith(`:${port}`);
  const moved: (readonly [port: number, what: string])[] = [
    ...(isMoved("GATEWAY_LISTEN", gatewayAddress, GATEWAY_PORT) ? [[GATEWAY_PORT, "the gateway"] as const] : []),
    ...(isMoved("GATEWAY_HTTP_LISTEN", httpUrl, HTTP_PORT) ? [[HTTP_PORT, "its HTTP/JSON"] as const] : []),
    ...(isMoved("CONSOLE_LISTEN", consoleUrl, CONSOLE_PORT) ? [[CONSOLE_PORT, "the console"] as const] : []),
    ...sandbox.moved.map(({ name, port }) => [port, `the sandbox's ${name}`] as const),
  ];
  const lines = moved.map(([port, what]) => `  Port ${port} is taken by another process, so ${what} listens elsewhere.`);
  if (sandbox.moved.some(({ name }) => name === "webpush"))
    lines.push("  Pushes to browser subscriptions of earlier starts fail: they name that port.");
  return lines.length > 0 ? [...lines, ""] : [];
}

function upText(system: DevSystem, { env, keyFile, exports, users, consoleLink }: Shown): string {
  const line = JSON.stringify({
    notification: {
      idempotency_key: "hello-1",
      recipient: { endpoint: { email_address: "ada@example.com" } },
      notification_class: "NOTIFICATION_CLASS_TRANSACTIONAL",
      category: "hello",
      content: { email: { subject: "Hello", text: "It works." } },
    },
  });
  return [
    "",
    ...movedText(system, env),
    `  inbox     ${system.sandbox.adminUrl}/inbox   open it: everything that arrives, and faults on request`,
    `  console   ${consoleLink || system.consoleUrl}   what waits and why, and what to do about it${consoleLink && "; the link works once, within 5 minutes"}`,
    `  gateway   ${system.gatewayAddress}   gRPC, plain text, reflection on`,
    ...(system.httpUrl ? [`  HTTP/JSON ${system.httpUrl}   the same calls for curl; its page lists them`] : []),
    `  API key   ${keyFile}   app "${DEV_APP}"`,
    `  users     ${users}`,
    `  sandbox   ${system.sandbox.adminUrl}   its API: sandbox/README.md`,
    `  store     ${withoutPassword(system.storeUrl)}`,
    `  NATS      ${withoutPassword(system.natsUrl)}`,
    `  Redis     ${withoutPassword(system.redisUrl)}`,
    "",
    "  try, in another terminal",
    `  . ${quoted(relative(process.cwd(), exports))}`,
    "  bin/carillon send --to email:ada@example.com --subject Hello --text 'It works.'",
    "  bin/carillon status --promises",
    `  grpcurl -plaintext -H "authorization: Bearer $(cat ${quoted(keyFile)})" -d '${line}' ${system.gatewayAddress} carillon.v1.NotificationService/SendNotification`,
    ...(system.httpUrl
      ? [
          `  curl -H "Authorization: Bearer $(cat ${quoted(keyFile)})" -H "Content-Type: application/json" -d '${line}' ${system.httpUrl}/carillon.v1.NotificationService/SendNotification`,
        ]
      : []),
    "",
    "  Ctrl-C drains and stops everything; the next start goes on with what is there.",
  ].join("\n");
}
