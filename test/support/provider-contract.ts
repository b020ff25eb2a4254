import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Outcome } from "../../core/delivery/outcome.ts";
import { attemptId } from "../../core/ports/attempt-store.ts";
import type { OutboundDelivery, Provider } from "../../core/ports/provider.ts";
import { type FaultAction, type LedgerEntry, type ProviderName, type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { startHangingServer } from "./hanging-server.ts";
import { startUnwantedServer, withProxyOfEnvironment } from "./unwanted-server.ts";

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
const ANSWERED_MS = 60_000;
/** Deadline of calls that are not answered, in ms: long enough to be sent on a busy machine. */
const UNANSWERED_MS = 700;
/** How long connections may take to close after disposal, in ms: less than idle ones are kept open. */
const CLOSED_MS = 2_000;

/** The contract of every provider, tested over the wire against the sandbox. Assertions look at what arrived. */
export function describeProviderContract(contract: ProviderContract): void {
  const { name } = contract;
  describe(`provider ${name}`, () => {
    let directory: string;
    let sandbox: Sandbox;
    let openBefore: number;
    before(async () => {
      directory = mkdtempSync(join(tmpdir(), `carillon-${name}-`));
      sandbox = await startSandbox({ directory });
      openBefore = openConnections();
    });
    after(async () => {
      await sandbox[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    });

    const test = (sentence: string, body: () => Promise<void>) => {
      const why = contract.skips?.[sentence];
      it(sentence, why === undefined ? {} : { skip: why }, async () => {
        sandbox.faults.clear();
        await body();
        assert.deepEqual(sandbox.faults.standing(), [], "every ordered fault was met");
      });
    };
    /** Sends once with a provider of its own, which is disposed of before this resolves, so that nothing can arrive later. */
    async function sendOnce(delivery: OutboundDelivery, { env = sandbox.env, ms = ANSWERED_MS }: { env?: Env; ms?: number } = {}) {
      const provider = await contract.create(env);
      try {
        const outcome = await provider.send(delivery, AbortSignal.timeout(ms));
        assertKeepsSecrets(outcome, delivery, contract.secrets?.(env) ?? []);
        return outcome;
      } finally {
        await provider[Symbol.asyncDispose]();
      }
    }
    const arrived = (delivery: OutboundDelivery) => sandbox.ledger.entries({ deliveryId: delivery.deliveryId, provider: name });
    const order = (action: FaultAction, match?: string) => sandbox.faults.order({ provider: name, match, do: action });

    test("sends once, and returns the provider's id", async () => {
      const delivery = contract.delivery(sandbox);
      const outcome = await sendOnce(delivery);
      assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
      assert.ok(outcome.kind === "accepted" && outcome.providerRef.length > 0);
      const entry = only(arrived(delivery));
      assert.equal(entry.accepted, true, entry.answer);
      assert.equal(entry.attemptId, delivery.attemptId);
    });

    test("sends many at once, each of them once", async () => {
      const deliveries = Array.from({ length: 60 }, () => contract.delivery(sandbox));
      const provider = await contract.create(sandbox.env);
      try {
        const outcomes = await Promise.all(deliveries.map((d) => provider.send(d, AbortSignal.timeout(ANSWERED_MS))));
        assert.deepEqual(
          outcomes.filter((o) => o.kind !== "accepted"),
          [],
        );
      } finally {
        await provider[Symbol.asyncDispose]();
      }
      for (const delivery of deliveries) only(arrived(delivery));
    });

    test("uses no proxy of the environment", async () => {
      await using proxy = await startUnwantedServer();
      const delivery = contract.delivery(sandbox);
      const outcome = await withProxyOfEnvironment(proxy.port, () => sendOnce(delivery));
      assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
      only(arrived(delivery));
      assert.equal(proxy.connections, 0);
    });

    test("follows no redirect", async () => {
      await using elsewhere = await startUnwantedServer();
      for (const status of [301, 302, 303, 307, 308]) {
        const delivery = contract.delivery(sandbox);
        order({ kind: "answer", status, headers: { location: `https://localhost:${elsewhere.port}/` }, body: {} }, delivery.deliveryId);
        assert.notEqual((await sendOnce(delivery)).kind, "accepted", String(status));
        only(arrived(delivery));
      }
      assert.equal(elsewhere.connections, 0);
    });

    const { replacementMarks } = contract;
    if (replacementMarks !== undefined) {
      const marksOf = async (delivery: OutboundDelivery) => {
        assert.equal((await sendOnce(delivery)).kind, "accepted");
        const entry = arrived(delivery).at(-1);
        assert.equal(entry?.attemptId, delivery.attemptId);
        const marks = replacementMarks(entry!);
        for (const [name, mark] of Object.entries(marks)) assert.ok(typeof mark === "string" && mark !== "", `no ${name}`);
        return marks;
      };

      test("a repeated attempt replaces its twin on the device, and no other delivery", async () => {
        const first = contract.delivery(sandbox);
        const marks = await marksOf(first);
        assert.deepEqual(await marksOf({ ...first, attemptId: attemptId(first.deliveryId, 2) }), marks);
        const other = await marksOf({ ...contract.delivery(sandbox), endpoint: first.endpoint });
        for (const [name, mark] of Object.entries(marks)) assert.notEqual(other[name], mark, name);
      });

      test("a caller's collapse key replaces across deliveries, within its app", async () => {
        const keyed = (app: string) => ({ ...contract.delivery(sandbox), app, collapseKey: "order-7" });
        const marks = await marksOf(keyed("shop"));
        assert.deepEqual(await marksOf(keyed("shop")), marks);
        const elsewhere = await marksOf(keyed("bank"));
        for (const [name, mark] of Object.entries(marks)) assert.notEqual(elsewhere[name], mark, name);
      });
    }

    test("reports a push without an answer as unanswered", async () => {
      const delivery = contract.delivery(sandbox);
      order({ kind: "no-answer" }, delivery.deliveryId);
      const outcome = await sendOnce(delivery, { ms: UNANSWERED_MS });
      assert.deepEqual(outcome, { kind: "unanswered", fault: { code: "deadline" } });
      assert.equal(only(arrived(delivery)).accepted, true);
    });

    test("reports a push whose connection was cut after it as unanswered, and does not repeat it", async () => {
      const delivery = contract.delivery(sandbox);
      order({ kind: "cut-after" }, delivery.deliveryId);
      const outcome = await sendOnce(delivery);
      assert.equal(outcome.kind, "unanswered", JSON.stringify(outcome));
      only(arrived(delivery));
    });

    test("does not repeat a push that was cut off on a reused connection", async () => {
      const [earlier, delivery] = [contract.delivery(sandbox), contract.delivery(sandbox)];
      order({ kind: "cut-after" }, delivery.deliveryId);
      const provider = await contract.create(sandbox.env);
      try {
        assert.equal((await provider.send(earlier, AbortSignal.timeout(ANSWERED_MS))).kind, "accepted");
        assert.equal((await provider.send(delivery, AbortSignal.timeout(ANSWERED_MS))).kind, "unanswered");
        // The provider can still send.
        assert.equal((await provider.send(contract.delivery(sandbox), AbortSignal.timeout(ANSWERED_MS))).kind, "accepted");
      } finally {
        await provider[Symbol.asyncDispose]();
      }
      only(arrived(delivery));
    });

    test("knows that nothing was sent where the connection is refused", async () => {
      const { env, delivery } = contract.at(await closedOrigin(), sandbox.env, contract.delivery(sandbox));
      assert.deepEqual(await sendOnce(delivery, { env }), { kind: "unavailable", fault: { code: "refused" } });
      assert.deepEqual(arrived(delivery), []);
    });

    test("knows that nothing was sent where the handshake never ends", async () => {
      await using silent = await startHangingServer();
      const { env, delivery } = contract.at(silent.origin("https"), sandbox.env, contract.delivery(sandbox));
      assert.deepEqual(await sendOnce(delivery, { env, ms: UNANSWERED_MS }), { kind: "unavailable", fault: { code: "deadline" } });
    });

    test("knows that nothing was sent where the deadline had passed before", async () => {
      const delivery = contract.delivery(sandbox);
      const provider = await contract.create(sandbox.env);
      try {
        assert.deepEqual(await provider.send(delivery, AbortSignal.abort()), { kind: "unavailable", fault: { code: "deadline" } });
      } finally {
        await provider[Symbol.asyncDispose]();
      }
      assert.deepEqual(arrived(delivery), []);
    });

    test("writes nothing where the last check before the first byte says no, also on a connection that is open", async () => {
      const provider = await contract.create(sandbox.env);
      const [early, first, late] = [contract.delivery(sandbox), contract.delivery(sandbox), contract.delivery(sandbox)];
      const limit = () => AbortSignal.timeout(ANSWERED_MS);
      try {
        assert.deepEqual(await provider.send(early, limit(), () => false), { kind: "unavailable", fault: { code: "deadline" } });
        let asked = 0;
        assert.equal((await provider.send(first, limit(), () => ++asked > 0)).kind, "accepted");
        assert.equal(asked, 1, "asked once a call");
        assert.deepEqual(await provider.send(late, limit(), () => false), { kind: "unavailable", fault: { code: "deadline" } });
      } finally {
        await provider[Symbol.asyncDispose]();
      }
      assert.deepEqual([arrived(early), arrived(late)], [[], []]);
      only(arrived(first));
    });

    test("calls once when the provider is unavailable", async () => {
      const delivery = contract.delivery(sandbox);
      order({ kind: "answer", ...contract.unavailable }, delivery.deliveryId);
      const outcome = await sendOnce(delivery);
      assert.equal(outcome.kind, "unavailable", JSON.stringify(outcome));
      only(arrived(delivery));
    });

    test("reports the wait that the provider asks for", async () => {
      const delivery = contract.delivery(sandbox);
      const { retryAfterMs, ...answer } = contract.throttled;
      order({ kind: "answer", ...answer }, delivery.deliveryId);
      const outcome = await sendOnce(delivery);
      assert.equal(outcome.kind, "throttled", JSON.stringify(outcome));
      assert.equal(outcome.kind === "throttled" && outcome.retryAfterMs, retryAfterMs);
      only(arrived(delivery));
    });

    for (const [answerName, answer, expected] of contract.answers ?? [])
      test(`makes ${expected.kind} of ${answerName}`, async () => {
        const delivery = contract.delivery(sandbox);
        order({ kind: "answer", ...answer }, delivery.deliveryId);
        assert.deepEqual(await sendOnce(delivery), expected);
        only(arrived(delivery));
      });

    test("reports unknown credentials as misconfigured", async () => {
      const delivery = contract.delivery(sandbox);
      const outcome = await sendOnce(delivery, { env: contract.wrongCredentials(sandbox.env) });
      assert.equal(outcome.kind, "misconfigured", JSON.stringify(outcome));
      assert.deepEqual(
        arrived(delivery).filter((entry) => entry.accepted),
        [],
      );
    });

    test("does not trust a certificate of an unknown authority", async () => {
      const delivery = contract.delivery(sandbox);
      const outcome = await sendOnce(delivery, { env: { ...sandbox.env, PROVIDER_CA_FILE: "" } });
      assert.deepEqual(outcome, { kind: "misconfigured", reason: "tls-untrusted" });
      assert.deepEqual(arrived(delivery), []);
    });

    test("reports an endpoint as gone", async () => {
      assert.ok(contract.deadDelivery, "give deadDelivery, or skip this with a reason");
      const delivery = contract.deadDelivery(sandbox);
      const outcome = await sendOnce(delivery);
      assert.equal(outcome.kind, "endpoint-gone", JSON.stringify(outcome));
      only(arrived(delivery));
    });

    test("leaves no connection open", async () => {
      const provider = await contract.create(sandbox.env);
      const hanging = contract.delivery(sandbox);
      order({ kind: "no-answer" }, hanging.deliveryId);
      await Promise.all([
        provider.send(contract.delivery(sandbox), AbortSignal.timeout(ANSWERED_MS)),
        provider.send(hanging, AbortSignal.timeout(UNANSWERED_MS)),
      ]);
      await provider[Symbol.asyncDispose]();
      const giveUpAt = performance.now() + CLOSED_MS;
      while (openConnections() > openBefore && performance.now() < giveUpAt) await turn();
      assert.ok(openConnections() <= openBefore, `${openConnections()} connections open, ${openBefore} before`);
    });
  });
}

/** The sandbox runs in this process, so its ends of the connections count too, also where the provider's are unreferenced. */
const openConnections = () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap" || kind === "TLSWrap").length;

function only(entries: LedgerEntry[]): LedgerEntry {
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
