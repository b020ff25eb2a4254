import type { Invocation } from "./command.ts";

export const print = (text: string) => void process.stdout.write(`${text}\n`);

/** What a command found: JSON with --json, else words. */
export const printResult = (values: Invocation["values"], json: unknown, words: () => string) =>
  print(values.json === true ? JSON.stringify(json, null, 2) : words());

/** A text without control characters, of which texts of providers may contain any. */
export const printable = (text: string) => text.replace(/\p{Cc}/gu, " ");
