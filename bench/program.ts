import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NODE_ARGUMENTS } from "../test/support/node-arguments.ts";

const ROOT = join(import.meta.dirname, "..");
/** As the image and `make` have it: without, a start takes half as long again and 30 MB more. */
const COMPILE_CACHE = { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), "node-compile-cache") };
const ENDS_WITH_PARENT = join(ROOT, "test/support/ends-with-parent.ts");
/** Wait for a program's output or answer. A cold start takes a second; the rest is for a busy machine. */
const OUTPUT_MS = 60_000;
const STOP_MS = 10_000;
/** Bound of the output kept: there is a log line per attempt. */
const KEPT_BYTES = 100_000;

/** A program in a process of its own. Disposal ends it by SIGTERM; it also ends when this process ends. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** Its standard output, once it satisfies the condition. */
  printed(satisfies: (text: string) => boolean): Promise<string>;
  /** Its log lines, once one of them contains this. */
  logged(part: string): Promise<string[]>;
  /**
   * Sends a question to a program that calls answering(), and resolves to its answer. Questions wait for each other.
   * @param limitMs how long the answer may take
   */
  ask<Answer>(question?: object, limitMs?: number): Promise<Answer>;
}

export function startProgram([file = "", ...args]: readonly string[], env?: Environment): Program {
  return start(file, [join(ROOT, file), ...args], env);
}

/** `carillon …`, as bin/carillon starts it. */
export const startCarillon = (args: readonly string[], env?: Environment): Program => start("carillon", [...NODE_ARGUMENTS, ...args], env);

type Environment = Readonly<Record<string, string>>;

function start(name: string, nodeArguments: readonly string[], env: Environment = {}): Program {
  const child = spawn(process.execPath, ["--import", ENDS_WITH_PARENT, ...nodeArguments], {
    env: { PATH: process.env.PATH, ...COMPILE_CACHE, ...env },
    stdio: ["pipe", "pipe", "pipe", "ipc"],
  });
  // Its pipes must not keep this process alive.
  child.channel?.unref();
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      if (output[stream].length < KEPT_BYTES) output[stream] += text;
    });
  let asked: Promise<unknown> = Promise.resolve();
  const until = (stream: "stdout" | "stderr", satisfies: (text: string) => boolean) => outputOf(child, () => output[stream], satisfies);
  return {
    pid: child.pid ?? 0,
    printed: (satisfies) => until("stdout", satisfies),
    ask: (question = {}, limitMs = OUTPUT_MS) => {
      const answer = asked.then(() => answerOf<never>(child, question, { name, limitMs, stderr: () => output.stderr }));
      asked = answer.catch(() => undefined);
      return answer;
    },
    logged: async (part) => (await until("stderr", (text) => text.includes(part))).split("\n"),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

function answerOf<Answer>(
  child: ChildProcess,
  question: object,
  { name, limitMs, stderr }: { name: string; limitMs: number; stderr(): string },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      clearTimeout(timer);
      child.off("message", onMessage).off("exit", onExit);
      end();
    };
    const onMessage = (message: { answer: Answer } | { fault: string }) =>
      settle(() => ("fault" in message ? reject(new Error(message.fault)) : resolve(message.answer)));
    const onExit = (code: unknown) => settle(() => reject(new Error(`${name} ended (${code}): ${stderr()}`)));
    const timer = setTimeout(() => settle(() => reject(new Error(`no answer of ${name} within ${limitMs} ms: ${stderr()}`))), limitMs);
    child.on("message", onMessage).on("exit", onExit);
    child.send(question);
  });
}

async function outputOf(child: ChildProcess, text: () => string, satisfies: (text: string) => boolean): Promise<string> {
  const giveUpAt = performance.now() + OUTPUT_MS;
  while (!satisfies(text())) {
    if (child.exitCode !== null) throw new Error(`it ended: ${text()}`);
    if (performance.now() > giveUpAt) throw new Error(`not within ${OUTPUT_MS} ms: ${text()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return text();
}
