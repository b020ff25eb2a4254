import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../../runtime/config.ts";
import { runUntilSignal } from "../../runtime/run.ts";
import { DEV_APP, startDev } from "./dev.ts";
import { openTempDir } from "./temp-dir.ts";

/** The default port of `carillon send`; the README uses it too. */
const GATEWAY_PORT = 7700;
/** Of HTTP/JSON; the README uses it too. */
const HTTP_PORT = 7701;

/** Runs the system until SIGINT or SIGTERM. Without `directory` its data is removed at the end. Never resolves: the process ends. */
export async function runDev({ env, directory }: { env: Environment; directory: string | undefined }): Promise<number> {
  await runUntilSignal(async () => {
    await using stack = new AsyncDisposableStack();
    const home = directory ?? stack.use(openTempDir("carillon")).path;
    const system = stack.use(
      await startDev({
        directory: home,
        env: { ...env, LOG_LEVEL: env.LOG_LEVEL ?? "info" },
        gatewayPort: GATEWAY_PORT,
        httpPort: HTTP_PORT,
        onStart: (part) => process.stdout.write(`  started ${part}\n`),
      }),
    );
    const keyFile = join(home, "api-key");
    writeFileSync(keyFile, `${system.apiKey}\n`, { mode: 0o600 });
    const line = JSON.stringify({
      notification: {
        idempotency_key: "hello-1",
        recipient: { endpoint: { email_address: "ada@example.com" } },
        notification_class: "NOTIFICATION_CLASS_TRANSACTIONAL",
        category: "hello",
        content: { email: { subject: "Hello", text: "It works." } },
      },
    });
    process.stdout.write(
      [
        "",
        `  gateway   ${system.gatewayAddress}   gRPC, plain text, reflection on`,
        `  HTTP/JSON ${system.httpUrl}   the same calls for curl; its page lists them`,
        `  API key   ${keyFile}   app "${DEV_APP}"`,
        `  sandbox   ${system.sandbox.adminUrl}   GET /ledger lists what the providers accepted`,
        `  store     ${system.storeUrl}`,
        `  NATS      ${system.natsUrl}`,
        `  Redis     ${system.redisUrl}`,
        "",
        "  try",
        `  grpcurl -plaintext -H "authorization: Bearer $(cat ${keyFile})" -d '${line}' ${system.gatewayAddress} carillon.v1.NotificationService/SendNotification`,
        `  curl -H "Authorization: Bearer $(cat ${keyFile})" -H "Content-Type: application/json" -d '${line}' ${system.httpUrl}/carillon.v1.NotificationService/SendNotification`,
        "",
        "  Ctrl-C drains and stops everything.",
        "",
      ].join("\n"),
    );
    const kept = stack.move();
    return { [Symbol.asyncDispose]: () => kept.disposeAsync() };
  });
  return 0;
}
