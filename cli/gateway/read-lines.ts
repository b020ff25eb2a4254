import { createReadStream } from "node:fs";
import { OperatorError } from "../../runtime/operator-error.ts";
import { fail } from "../command.ts";
import { readJson } from "./line-values.ts";

/** Characters of a line. A notification has at most a few MB; what has no end of line is no list of them. */
const LINE_CHARS_MAX = 32 * 1_048_576;

/**
 * The lines of a .jsonl file or, for "-", of standard input. A .json file holds one notification or a list, each of which stands for a line. Throws a UsageError
 * where the file cannot be read, and an OperatorError where it is no text in UTF-8: then earlier lines were given out.
 */
export async function* readLines(path: string): AsyncGenerator<string> {
  if (!path.endsWith(".json")) return yield* linesOf(path);
  for (const item of await readItems(path)) yield JSON.stringify(item);
}

/** The whole of a text file or, for "-", of standard input. Throws as readLines(). */
export const readText = async (path: string): Promise<string> => (await Array.fromAsync(textOf(path, () => ""))).join("");

async function readItems(path: string): Promise<unknown[]> {
  const text = await readText(path);
  try {
    return [readJson(text, path)].flat();
  } catch (error) {
    throw new OperatorError(`${error instanceof Error ? error.message : path}; a file with one notification a line ends in .jsonl`);
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  let [rest, count] = ["", 0];
  const place = () => ` at line ${count + 1}`;
  for await (const part of textOf(path, place)) {
    const lines = (rest + part).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      count++;
      yield line.replace(/\r$/, "");
    }
    if (rest.length > LINE_CHARS_MAX) throw new OperatorError(`${nameOf(path)} has more than ${LINE_CHARS_MAX} characters${place()}`);
  }
  if (rest !== "") yield rest.replace(/\r$/, "");
}

/** @param place where the reader is, for an error */
async function* textOf(path: string, place: () => string): AsyncGenerator<string> {
  const input: AsyncIterable<Buffer> = path === "-" ? process.stdin : createReadStream(path);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decoded = (bytes?: Buffer): string => {
    try {
      const text = decoder.decode(bytes, { stream: bytes !== undefined });
      if (!text.includes("\0")) return text;
    } catch {
      // As for a zero byte: what a text in another encoding says must not be guessed.
    }
    throw new OperatorError(`${nameOf(path)} is no text in UTF-8${place()}`);
  };
  for await (const bytes of read(path, input)) yield decoded(bytes);
  yield decoded();
}

async function* read(path: string, input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* input;
  } catch (error) {
    fail(`${nameOf(path)} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`);
  }
}

const nameOf = (path: string) => (path === "-" ? "standard input" : path);
