import { once } from "node:events";
import { type Logger, pino } from "pino";

export type { Logger };

/** Bytes buffered while the reader of the lines is slow; beyond that, lines are dropped to bound memory. */
const UNWRITTEN_MAX = 16 * 1024 * 1024;
/** How long the last lines may take to be written, in milliseconds. */
const CLOSE_MS = 2_000;

/** Fields that never reach a log, at up to three levels of nesting. */
const MASKED = [
  "endpoint",
  "token",
  "pushUrl",
  "phoneNumber",
  "address",
  "p256dh",
  "auth",
  "content",
  "title",
  "body",
  "text",
  "html",
  "subject",
  "data",
  "authorization",
  "password",
  "secret",
  "apiKey",
  "key",
  "config",
  "request",
  "headers",
];

/** @param destination where lines go; tests read them */
export function createLogger(name: string, level = "info", destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    base: { service: name },
    redact: { paths: MASKED.flatMap((f) => [f, `*.${f}`, `*.*.${f}`]), censor: "[masked]" },
    // Only known properties: errors of other packages contain requests, and requests contain credentials.
    serializers: { err: (error: unknown) => errorLine(error) },
    // Level names instead of numbers, for operators and log tools.
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  if (destination) return pino(options, destination);
  const stderr = pino.destination({ dest: 2, sync: false, maxLength: UNWRITTEN_MAX });
  const log = pino(options, stderr);
  destinations.set(log, stderr);
  return log;
}

/** The buffer of loggers that write to standard error. */
const destinations = new WeakMap<Logger, ReturnType<typeof pino.destination>>();

/**
 * Resolves when every line is written, or after CLOSE_MS; nothing may be logged after it. Without it, lines still buffered at the end of
 * the process could be written before earlier ones.
 */
export async function closeLogger(log: Logger): Promise<void> {
  const stream = destinations.get(log);
  if (!stream) return;
  destinations.delete(log);
  const written = once(stream, "close", { signal: AbortSignal.timeout(CLOSE_MS) });
  stream.end();
  await written.catch(() => undefined);
}

/** An error without its properties: name, message, code and stack, with anything that looks like a credential masked. */
export function errorLine(error: unknown): { name: string; message: string; code?: string; stack?: string } {
  if (!(error instanceof Error)) return { name: typeof error, message: "not an Error" };
  const code = (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: clean(error.message),
    ...(typeof code === "string" || typeof code === "number" ? { code: String(code) } : {}),
    ...(error.stack ? { stack: clean(error.stack) } : {}),
  };
}

const clean = (text: string) =>
  text
    .replace(/\b(Bearer|Basic)\s+\S+/gi, "$1 [masked]")
    .replace(/\/\/[^/@\s]+:[^/@\s]+@/g, "//[masked]@")
    .replace(/\+[1-9]\d{6,14}\b/g, "[number]")
    .replace(/[\w.+-]+@[\w-]+\.[\w.]+/g, "[address]");
