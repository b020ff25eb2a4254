// A program run to its end.
import { spawn } from "node:child_process";
import { once } from "node:events";

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  env?: Record<string, string> | undefined;
  /** What it reads on its standard input. */
  input?: string | undefined;
  /** It is killed after this. */
  withinMs?: number | undefined;
}

/** kubectl and helm answer within a second, unless they wait for a condition. */
const WITHIN_MS = 60_000;

/** Resolves with any exit code; rejects if it could not be started or took too long. */
export async function command(
  program: string,
  args: readonly string[],
  { env, input, withinMs = WITHIN_MS }: CommandOptions = {},
): Promise<Ran> {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: withinMs,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // It may end without reading its input.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input ?? "");
  const [code] = (await once(child, "close")) as [number | null];
  if (code === null) throw new Error(`${program} ${args.join(" ")} did not end within ${withinMs} ms: ${stderr}`);
  return { code, stdout, stderr };
}

/** Resolves to its standard output; rejects with its output if it failed. */
export async function succeeds(program: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await command(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${stderr || stdout}`);
  return stdout;
}
