import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach } from "node:test";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { OutboundDelivery, Provider } from "../../core/ports/provider.ts";
import { type LedgerEntry, type Sandbox, startSandbox } from "../../sandbox/main.ts";

/** Deadline of a call that is answered, in ms: reached only if something hangs. */
const ANSWERED_MS = 60_000;

export interface WithProvider {
  readonly sandbox: Sandbox;
  /** By this test's provider. */
  send(delivery: OutboundDelivery, deadlineMs?: number): Promise<Outcome>;
  arrived(delivery: OutboundDelivery): LedgerEntry[];
}

/** For a file of tests: one sandbox for all, a provider for each test, all disposed of afterwards. */
export function withProvider(create: (env: Record<string, string>) => Provider): WithProvider {
  const directory = mkdtempSync(join(tmpdir(), "carillon-wire-"));
  let sandbox: Sandbox;
  let provider: Provider;
  before(async () => {
    sandbox = await startSandbox({ directory });
  });
  beforeEach(() => {
    provider = create(sandbox.env);
  });
  afterEach(() => provider[Symbol.asyncDispose]());
  after(async () => {
    await sandbox[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
  return {
    get sandbox() {
      return sandbox;
    },
    send: (delivery, deadlineMs = ANSWERED_MS) => provider.send(delivery, AbortSignal.timeout(deadlineMs)),
    arrived: ({ deliveryId }) => sandbox.ledger.entries({ deliveryId }),
  };
}
