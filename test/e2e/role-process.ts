import { eventually } from "../support/eventually.ts";
import { type CliProcess, startCli } from "./cli-process.ts";

/** A ready `carillon ROLE`. */
export interface RoleProcess extends CliProcess {
  role: string;
  /** Where it listens, by name: host:port. */
  addresses: Record<string, string>;
  /** Lines it logged about calls to a provider. */
  attempts(): number;
}

export async function startRole(role: string, env: Record<string, string>, cli?: string): Promise<RoleProcess> {
  const running = startCli([role], env, cli);
  try {
    let over = false;
    void running.ended.then(() => {
      over = true;
    });
    const lines = () =>
      running
        .stderr()
        .split("\n")
        // The text after the last line feed is incomplete.
        .slice(0, -1)
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as LogLine);
    const started = () => lines().find((line) => line.msg === "started");
    await eventually(`${role} has started`, () => over || started() !== undefined);
    if (over) throw new Error(`${role} ended: ${running.stderr()}`);
    return { ...running, role, addresses: started()?.addresses ?? {}, attempts: () => lines().filter((l) => l.msg === "attempt").length };
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
}

interface LogLine {
  msg: string;
  addresses?: Record<string, string>;
}
