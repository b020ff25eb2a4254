import type { Program } from "./program.ts";

/** A program that is killed and started again. */
export interface Restartable extends AsyncDisposable {
  /** Of the one that runs now. */
  readonly pid: number;
  /** SIGKILL; resolves once the next one has started. */
  killAndRestart(): Promise<void>;
}

/** @param start resolves once the program is ready */
export async function startRestartable(start: () => Promise<Program>): Promise<Restartable> {
  let program = await start();
  return {
    get pid() {
      return program.pid;
    },
    async killAndRestart() {
      process.kill(program.pid, "SIGKILL");
      await program[Symbol.asyncDispose]();
      program = await start();
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
