import { hostPortText } from "./host-port.ts";
import { returnMemoryWhenIdle } from "./idle-memory.ts";
import { OperatorError } from "./operator-error.ts";

/** Runs until SIGTERM or SIGINT, drains, and ends the process. */
export async function runUntilSignal(start: () => Promise<AsyncDisposable>): Promise<void> {
  const asked = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  let running: AsyncDisposable;
  try {
    running = await start();
  } catch (error) {
    process.stderr.write(`${startFault(error)}\n`);
    process.exit(1);
  }
  returnMemoryWhenIdle();
  await asked;
  await running[Symbol.asyncDispose]();
  process.exit(0);
}

/** What the operating system says of an address that a role cannot listen on. */
const LISTEN_FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process listens there; end it, or set another port",
  EACCES: "this user may not listen there; ports below 1024 are for root",
  EADDRNOTAVAIL: "this machine has no such address",
};

/** The text for the operator: an OperatorError needs no stack, because the operator can fix its cause, and neither does a port that is taken. */
export function startFault(error: unknown): string {
  if (error instanceof OperatorError) return `carillon: ${error.message}`;
  const { code = "", syscall, address, port } = error instanceof Error ? (error as NodeJS.ErrnoException & ListenFault) : {};
  if (syscall === "listen") return `carillon: cannot listen on ${hostPortText(address ?? "", port ?? "")}: ${LISTEN_FAULTS[code] ?? code}`;
  return `carillon: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

interface ListenFault {
  address?: string;
  port?: number;
}
