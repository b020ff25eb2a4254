import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { SharedCredentials } from "../../sandbox/kit/environment.ts";

/** A sandbox answers from memory and a dozen small files. */
const ANSWER_MS = 5_000;
/** Between two questions, while it starts. */
const AGAIN_MS = 1_000;

export interface CredentialsWanted {
  /** Of the sandbox's admin port. */
  from: string;
  /** A directory, created where it is missing. */
  to: string;
  /** How long it may take to answer at all, in ms. */
  waitMs: number;
}

/**
 * Writes every key of a sandbox into a directory, and beside them `env`, for node --env-file: all that a role must be told to send there.
 * Rejects with an OperatorError that repeats no credential.
 */
export async function fetchCredentials({ from, to, waitMs }: CredentialsWanted): Promise<void> {
  if (!URL.canParse(from)) throw new OperatorError("--from must be the URL of a sandbox's admin port");
  const { env, files } = await ask(new URL("/credentials", from), performance.now() + waitMs);
  const directory = resolve(to);
  mkdirSync(directory, { recursive: true });
  const paths = Object.entries(files).map(([variable, { name, content }]): [string, string] => {
    const path = join(directory, basename(name));
    write(path, content);
    return [variable, path];
  });
  const lines = [...Object.entries(env), ...paths].map(([variable, value]) => `${variable}=${quoted(variable, value)}\n`);
  // Last: where it is, all it names is.
  write(join(directory, "env"), lines.join(""));
}

function write(path: string, content: string): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** In single quotes Node takes everything as it stands but a single quote (Node.js: dotenv). */
function quoted(variable: string, value: string): string {
  if (!/^[A-Z][A-Z0-9_]*$/.test(variable) || /['\n\r]/.test(value))
    throw new OperatorError("the sandbox's answer holds what no env file can");
  return `'${value}'`;
}

async function ask(url: URL, deadline: number): Promise<SharedCredentials> {
  for (;;) {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => undefined);
    if (response?.ok) return (await response.json()) as SharedCredentials;
    if (response?.status === 403)
      throw new OperatorError("the sandbox does not share its credentials: SANDBOX_SHARE_CREDENTIALS=true lets it");
    if (performance.now() + AGAIN_MS > deadline)
      throw new OperatorError(`no sandbox answers at ${url.host}${response ? `: status ${response.status}` : ""}; is it the admin port?`);
    await delay(AGAIN_MS);
  }
}
