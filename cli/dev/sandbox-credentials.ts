import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { SharedCredentials } from "../../sandbox/kit/environment.ts";

/** A sandbox answers from memory and from a dozen small files. */
const ANSWER_MS = 5_000;
/** Between two requests, while the sandbox starts. */
const RETRY_MS = 1_000;

export interface CredentialsWanted {
  /** URL of the sandbox's admin port. */
  from: string;
  /** A directory; created if it is missing. */
  to: string;
  /** How long to wait for the first answer, in ms. */
  waitMs: number;
}

/**
 * Writes every key of a sandbox into a directory, and `env` for node --env-file: everything a role needs to send there. Rejects with an
 * OperatorError that contains no credential.
 */
export async function fetchCredentials({ from, to, waitMs }: CredentialsWanted): Promise<void> {
  const { env, files } = await ask(new URL("/credentials", from), performance.now() + waitMs);
  const directory = resolve(to);
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new OperatorError(`${directory} cannot be used as a directory (${(error as NodeJS.ErrnoException).code})`);
  }
  const paths = Object.entries(files).map(([variable, { name, content }]): [string, string] => {
    const path = join(directory, basename(name));
    write(path, content);
    return [variable, path];
  });
  const lines = [...Object.entries(env), ...paths].map(([variable, value]) => `${variable}=${quoted(variable, value)}\n`);
  // Written last: where this file exists, the files it names exist.
  write(join(directory, "env"), lines.join(""));
}

function write(path: string, content: string): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Node takes everything within single quotes literally, except a single quote (Node.js: dotenv). */
function quoted(variable: string, value: string): string {
  if (!/^[A-Z][A-Z0-9_]*$/.test(variable) || /['\n\r]/.test(value))
    throw new OperatorError("the sandbox's answer contains a value that an env file cannot hold");
  return `'${value}'`;
}

async function ask(url: URL, deadline: number): Promise<SharedCredentials> {
  for (;;) {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => undefined);
    if (response?.ok) return (await response.json()) as SharedCredentials;
    if (response?.status === 403)
      throw new OperatorError("the sandbox does not share its credentials: set SANDBOX_SHARE_CREDENTIALS=true on the sandbox");
    if (performance.now() + RETRY_MS > deadline)
      throw new OperatorError(`no sandbox answers at ${url.host}${response ? `: status ${response.status}` : ""}; is it the admin port?`);
    await delay(RETRY_MS);
  }
}
