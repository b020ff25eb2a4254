import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import type { Outcome } from "../../core/delivery/outcome.ts";
import type { OutboundDelivery, Provider } from "../../core/ports/provider.ts";
import { type FaultAction, type LedgerEntry, type ProviderName, type Sandbox, startSandbox } from "../../sandbox/main.ts";

export type Env = Record<string, string>;
/** A documented answer, as sent over the wire. */
export type WireAnswer = Omit<Extract<FaultAction, { kind: "answer" }>, "kind">;

export interface ProviderContract {
  name: ProviderName;
  create(env: Env): Provider | Promise<Provider>;
  /** A new delivery, with ids of its own, to an endpoint the provider accepts. */
  delivery(sandbox: Sandbox): OutboundDelivery;
  /** One to an endpoint the provider knows to be dead. */
  deadDelivery?: (sandbox: Sandbox) => OutboundDelivery;
  /** The same send, aimed at another origin of the same scheme. */
  at(origin: string, env: Env, delivery: OutboundDelivery): { env: Env; delivery: OutboundDelivery };
  /** The environment with credentials the provider does not know. */
  wrongCredentials(env: Env): Env;
  /** The documented answer of a provider that is unavailable, which means that the message was not processed. */
  unavailable: WireAnswer;
  /** The documented answer to exceeding the rate, and the wait it names. */
  throttled: WireAnswer & { retryAfterMs: number | undefined };
  /** Further answers by name, and the outcome of each. */
  answers?: readonly (readonly [name: string, answer: WireAnswer, expected: Outcome])[];
  /** Pushes: by name, the received fields by which a device replaces one push with another. */
  replacementMarks?: (entry: LedgerEntry) => Record<string, unknown>;
  /** Text that must not leave the adapter, besides the endpoint's own: keys, tokens, secrets. */
  secrets?: (env: Env) => string[];
  /** Name of a test → why it does not apply. */
  skips?: Record<string, string>;
}

/** Deadline of calls that are answered, in ms: reached only if something hangs. */
export const ANSWERED_MS = 60_000;

/** A provider's contract, and a sandbox to try it on. */
export interface Scene {
  contract: ProviderContract;
  readonly sandbox: Sandbox;
  test(sentence: string, body: () => Promise<void>): void;
  /** Sends once with a provider of its own, which is disposed of before this resolves, so that nothing can arrive later. */
  sendOnce(delivery: OutboundDelivery, options?: { env?: Env; signal?: AbortSignal }): Promise<Outcome>;
  arrived(delivery: OutboundDelivery): LedgerEntry[];
  order(action: FaultAction, match?: string): void;
}

export const answeredInTime = () => AbortSignal.timeout(ANSWERED_MS);

/** A deadline that passes as soon as the condition holds, so that no test depends on how fast the machine is. */
export function deadlineOnce(condition: () => boolean): AbortSignal {
  const deadline = new AbortController();
  const look = () => {
    if (condition()) deadline.abort(new DOMException("the deadline", "TimeoutError"));
    else setImmediate(look).unref();
  };
  look();
  return deadline.signal;
}

/** A sandbox for the tests of a contract; for use within describe(). */
export function useScene(contract: ProviderContract): Scene {
  const { name } = contract;
  let directory: string;
  let sandbox: Sandbox;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), `carillon-${name}-`));
    sandbox = await startSandbox({ directory });
  });
  after(async () => {
    await sandbox[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  const scene: Scene = {
    contract,
    get sandbox() {
      return sandbox;
    },
    test(sentence, body) {
      const why = contract.skips?.[sentence];
      it(sentence, why === undefined ? {} : { skip: why }, async () => {
        sandbox.faults.clear();
        await body();
        assert.deepEqual(sandbox.faults.standing(), [], "every ordered fault was met");
      });
    },
    async sendOnce(delivery, { env = sandbox.env, signal = answeredInTime() } = {}) {
      const provider = await contract.create(env);
      try {
        const outcome = await provider.send(delivery, signal);
        assertKeepsSecrets(outcome, delivery, contract.secrets?.(env) ?? []);
        return outcome;
      } finally {
        await provider[Symbol.asyncDispose]();
      }
    },
    arrived: (delivery) => sandbox.ledger.entries({ deliveryId: delivery.deliveryId, provider: name }),
    order: (action, match) => void sandbox.faults.order({ provider: name, match, do: action }),
  };
  return scene;
}

export function only(entries: LedgerEntry[]): LedgerEntry {
  assert.equal(entries.length, 1, `arrived: ${entries.map((e) => e.answer).join(", ") || "nothing"}`);
  return entries[0]!;
}

/** An origin on a port without a server: it was free a moment ago. */
export async function closedOrigin(scheme = "https"): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `${scheme}://127.0.0.1:${port}`;
}

/** Asserts that an outcome holds no text of the delivery and none of `secrets`. */
export function assertKeepsSecrets(outcome: unknown, { endpoint, content }: OutboundDelivery, secrets: readonly string[]): void {
  const outcomeText = JSON.stringify(outcome);
  const { channel: _, ...endpointTexts } = endpoint;
  const own = [content.push?.body, content.sms?.text, content.email?.subject];
  for (const text of [...Object.values(endpointTexts), ...own, ...secrets])
    assert.ok(
      text === undefined || text === "" || !outcomeText.includes(text),
      `the outcome holds text that must not leave the adapter: ${outcomeText}`,
    );
}
