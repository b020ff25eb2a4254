import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const ENDS_WITH_PARENT = join(ROOT, "test/support/ends-with-parent.ts");
/** A cold start takes a second; the rest is for a busy machine. */
const SAID_MS = 60_000;
const STOP_MS = 10_000;
/** Of what it logged; a line an attempt adds up. */
const KEPT_BYTES = 100_000;

/** A program of ours as a process of its own. Disposal ends it by SIGTERM; if this process ends first, so does it. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** What it printed, once that satisfies. */
  printed(satisfies: (text: string) => boolean): Promise<string>;
  /** The lines it logged, once one of them holds this. */
  logged(part: string): Promise<string[]>;
  /** What it answers; it must be one that calls answering(). One question at a time. */
  ask<Answer>(question?: object): Promise<Answer>;
}

export function startProgram(args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  const [file = "", ...rest] = args;
  const child = spawn(process.execPath, ["--import", ENDS_WITH_PARENT, join(ROOT, file), ...rest], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ["pipe", "pipe", "pipe", "ipc"],
  });
  // Nothing but its end and its answers keeps us waiting for it.
  child.channel?.unref();
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      if (said[stream].length < KEPT_BYTES) said[stream] += text;
    });
  const until = (stream: "stdout" | "stderr", satisfies: (text: string) => boolean) => saidBy(child, () => said[stream], satisfies);
  return {
    pid: child.pid ?? 0,
    printed: (satisfies) => until("stdout", satisfies),
    ask: (question = {}) => answerOf(child, file, question, () => said.stderr),
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

function answerOf<Answer>(child: ChildProcess, file: string, question: object, stderr: () => string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      clearTimeout(timer);
      child.off("message", onMessage).off("exit", onExit);
      end();
    };
    const onMessage = (message: { answer: Answer } | { fault: string }) =>
      settle(() => ("fault" in message ? reject(new Error(message.fault)) : resolve(message.answer)));
    const onExit = (code: unknown) => settle(() => reject(new Error(`${file} ended (${code}): ${stderr()}`)));
    const timer = setTimeout(() => settle(() => reject(new Error(`no answer of ${file} within ${SAID_MS} ms: ${stderr()}`))), SAID_MS);
    child.on("message", onMessage).on("exit", onExit);
    child.send(question);
  });
}

async function saidBy(child: ChildProcess, text: () => string, satisfies: (text: string) => boolean): Promise<string> {
  const giveUpAt = performance.now() + SAID_MS;
  while (!satisfies(text())) {
    if (child.exitCode !== null) throw new Error(`it ended: ${text()}`);
    if (performance.now() > giveUpAt) throw new Error(`not within ${SAID_MS} ms: ${text()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return text();
}
