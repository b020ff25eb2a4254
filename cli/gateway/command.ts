import { readFileSync } from "node:fs";
import { styleText } from "node:util";
import { NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import type { Environment } from "../../runtime/config.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { parseMoment, RFC_3339_RULE } from "../../runtime/moment.ts";
import { type Command, count, fail, type Invocation, positive, text } from "../command.ts";
import { createProgress } from "../progress.ts";
import { AD_HOC_NAMES, AD_HOC_OPTIONS, AD_HOC_USAGE, adHocLine } from "./ad-hoc.ts";
import { argumentFault, checkArguments } from "./argument-faults.ts";
import { awaitGateway, CALL_MS, type CallFault, connectGateway, readCallFault } from "./connect.ts";
import { toJson } from "./notification-json.ts";
import { previewLines } from "./preview.ts";
import { previewText } from "./preview-text.ts";
import { putFile } from "./put-blob.ts";
import { readLines } from "./read-lines.ts";
import { sendLines } from "./send.ts";
import { gatewayTls, TLS_OPTIONS, TLS_USAGE } from "./tls.ts";

export const CLIENT_OPTIONS = { address: { type: "string" }, "key-file": { type: "string" }, ...TLS_OPTIONS } as const;
export const CLIENT_USAGE = `[--address HOST:PORT] [--key-file FILE] ${TLS_USAGE}`;

/** What callers can do through the gateway. */
export const GATEWAY_COMMANDS: Readonly<Record<string, Command>> = {
  send: {
    about:
      "sends one notification, or each line of a .jsonl file (or - for standard input, or a .json file); prints a result per line as JSON; exit status 1 if " +
      "one was rejected. With --dry-run nothing is sent: see preview",
    usage: `${AD_HOC_USAGE} | --file FILE|- [--rate PER_SECOND] [--batch N] [--now TIME]  [--dry-run [--json]] ${CLIENT_USAGE}`,
    details: [
      "A line is the API's own JSON (ProtoJSON of carillon.v1.Notification), strict: an unknown field is an error that names its path. Times are RFC 3339 with a",
      "zone. The short form of examples/notifications.jsonl may also have times such as +10m: they count from the start of the command, or from --now, which a",
      "second run of the same file needs, so that its keys stand for the same notifications.",
      "",
      "  carillon send --to email:ada@example.com --subject Hello --text 'It works.'",
      "  carillon send --file orders.jsonl | carillon tail -",
    ].join("\n"),
    options: {
      ...CLIENT_OPTIONS,
      ...AD_HOC_OPTIONS,
      ...{ file: { type: "string" }, rate: { type: "string" }, batch: { type: "string" }, now: { type: "string" } },
      ...{ "dry-run": { type: "boolean" }, json: { type: "boolean" } },
    },
    async run({ values, env }) {
      const lines = linesOf(values);
      const start = text(values.now);
      const now = start === undefined ? Date.now() : (parseMoment(start) ?? fail(`--now must be ${RFC_3339_RULE}`));
      if (values["dry-run"] === true) return preview(lines, values, env, now);
      if (values.json === true) fail("--json is for --dry-run: results are JSON anyway");
      const rate = values.rate === undefined ? undefined : positive(values.rate, "--rate", 1_000_000);
      const batch = count(values.batch ?? 100, "--batch", 1_000);
      using clients = connect(values, env);
      await awaitGateway(clients, clients.address);
      const progress = createProgress("sent");
      let [sent, rejected] = [0, 0];
      await sendLines(lines, {
        client: clients.notifications,
        ...{ rate, batch, now },
        onResult(result) {
          sent++;
          if (result.error) rejected++;
          failForArgument(values, result.error);
          process.stdout.write(`${JSON.stringify(result)}\n`);
          progress.add(1);
        },
      });
      progress.end();
      if (sent === 0) process.stderr.write("carillon send: there is no line in it, so nothing was sent\n");
      return rejected > 0 ? 1 : 0;
    },
  },
  "blob put": {
    about: "stores a file for attachments, unless the app has it; prints its blob_id, size and when it expires",
    usage: `FILE ${CLIENT_USAGE}`,
    options: CLIENT_OPTIONS,
    async run({ values, positionals, env }) {
      const file = positionals[0] ?? fail("FILE is missing");
      using clients = connect(values, env);
      try {
        const { blobId, bytes, expiresAt } = await putFile(clients.blobs, file);
        process.stdout.write(`${JSON.stringify({ blob_id: blobId, bytes, expires_at: expiresAt?.toISOString() })}\n`);
        return 0;
      } catch (error) {
        if (isFileError(error)) return fail(`${file} cannot be read (${error.code})`);
        const { code, message } = readCallFault(error);
        process.stderr.write(`carillon blob put: ${code}: ${message}\n`);
        return 1;
      }
    },
  },
  preview: {
    about:
      "shows what each provider would be sent for each line of a file, as send takes it; nothing is sent; exit status 1 if one would be rejected",
    usage: `FILE|- ${CLIENT_USAGE} [--json]`,
    options: { ...CLIENT_OPTIONS, json: { type: "boolean" } },
    run: ({ values, positionals, env }) => preview(readLines(positionals[0] ?? fail("FILE is missing")), values, env),
  },
  get: {
    about: "prints a notification with the state and attempts of each delivery",
    usage: `NOTIFICATION_ID ${CLIENT_USAGE}`,
    options: CLIENT_OPTIONS,
    async run({ values, positionals, env }) {
      const notificationId = positionals[0] ?? fail("NOTIFICATION_ID is missing");
      checkArguments("GetNotificationRequest", { notificationId }, { notification_id: "NOTIFICATION_ID" });
      using clients = connect(values, env);
      try {
        const response = await callUnary(
          clients.notifications,
          NotificationServiceService.getNotification,
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
};

const isFileError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && "syscall" in error;

/** What the gateway says of the one notification that options say is a mistake of an option. Throws a UsageError. */
function failForArgument(values: Invocation["values"], error: Partial<CallFault> | undefined): void {
  const fault = values.to === undefined || error?.fields === undefined ? undefined : argumentFault(error.fields, AD_HOC_NAMES);
  if (fault !== undefined) fail(fault);
}

/** Those of --file, or the one that --to and its options say. */
function linesOf(values: Invocation["values"]): AsyncIterable<string> | Iterable<string> {
  const file = text(values.file);
  const adHoc = Object.keys(AD_HOC_OPTIONS).filter((option) => values[option] !== undefined);
  if (file === undefined) return values.to === undefined ? fail("--file or --to is missing") : [adHocLine(values)];
  if (adHoc.length > 0) fail(`--${adHoc[0]} is for --to, not for --file`);
  return readLines(file);
}

/** Prints a preview of each line. Colours only where standard output is a terminal that wants them (NO_COLOR). */
async function preview(
  lines: AsyncIterable<string> | Iterable<string>,
  values: Invocation["values"],
  env: Environment,
  now?: number,
): Promise<number> {
  using clients = connect(values, env);
  await awaitGateway(clients, clients.address);
  let rejected = 0;
  await previewLines(lines, {
    ...{ client: clients.notifications, now },
    onPreview(line) {
      if (line.error) rejected++;
      failForArgument(values, line.error);
      const printed =
        values.json === true
          ? JSON.stringify(line)
          : previewText(line, (format, shown) => styleText(format, shown, { stream: process.stdout }));
      process.stdout.write(`${printed}\n`);
    },
  });
  return rejected > 0 ? 1 : 0;
}

/** The gateway and the key that options, or CARILLON_ADDRESS and CARILLON_API_KEY_FILE, name. */
export function connect(values: Invocation["values"], env: Environment) {
  const address = text(values.address) ?? env.CARILLON_ADDRESS ?? "127.0.0.1:7700";
  const file =
    text(values["key-file"]) ??
    env.CARILLON_API_KEY_FILE ??
    fail("--key-file or CARILLON_API_KEY_FILE must name the file that holds the API key");
  let key: string;
  try {
    key = readFileSync(file, "utf8").trim();
  } catch (error) {
    const name = text(values["key-file"]) === undefined ? "CARILLON_API_KEY_FILE" : "--key-file";
    return fail(`${name}: the file cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  if (!/^[!-~]{1,200}$/.test(key))
    fail(`the file that ${text(values["key-file"]) === undefined ? "CARILLON_API_KEY_FILE" : "--key-file"} names holds no API key`);
  return Object.assign(connectGateway(address, key, gatewayTls(values, env)), { address });
}
