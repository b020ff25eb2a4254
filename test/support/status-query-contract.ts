import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { attemptId } from "../../core/ports/attempt-store.ts";
import type { Finding, OutboundDelivery, Provider, StatusQuery } from "../../core/ports/provider.ts";
import { type FaultAction, type ProviderName, type Sandbox, startSandbox } from "../../sandbox/main.ts";
import { assertKeepsSecrets, closedOrigin, deadlineOnce, type Env, type WireAnswer } from "./provider-scene.ts";

export interface StatusQueryContract {
  name: Extract<ProviderName, "twilio" | "vonage" | "sendgrid" | "mandrill">;
  create(env: Env): Provider;
  delivery(): OutboundDelivery;
  /** The environment with status queries aimed at another origin. */
  at(origin: string, env: Env): Env;
  wrongCredentials(env: Env): Env;
  /** The documented answer to exceeding the rate, with the wait it names in whole seconds. */
  throttled: WireAnswer;
  throttledMs: number;
  /** An answer that finds nothing. */
  empty: unknown;
  /** Further answers by name, and the finding of each. */
  answers?: readonly (readonly [name: string, answer: WireAnswer, expected: Finding])[];
  secrets(env: Env): string[];
}

/** Deadline of calls that are answered, in ms: reached only if something hangs. */
const ANSWERED_MS = 60_000;
/** Deadline of a query that is not answered, in ms. */
const UNANSWERED_MS = 400;

/** The contract of every status query, tested over the wire against the sandbox. A wrong "found" would lose the message. */
export function describeStatusQueryContract(contract: StatusQueryContract): void {
  const { name } = contract;
  describe(`status query at ${name}`, () => {
    let directory: string;
    let sandbox: Sandbox;
    before(async () => {
      directory = mkdtempSync(join(tmpdir(), `carillon-status-query-${name}-`));
      sandbox = await startSandbox({ directory });
    });
    after(async () => {
      await sandbox[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    });
    const test = (sentence: string, body: () => Promise<void>) =>
      it(sentence, async () => {
        sandbox.faults.clear();
        await body();
        assert.deepEqual(sandbox.faults.standing(), [], "every ordered fault was met");
      });
    const spoilSend = (delivery: OutboundDelivery, action: FaultAction) =>
      sandbox.faults.order({ provider: name, match: delivery.deliveryId, do: action });
    const spoilStatusQuery = (action: FaultAction) => sandbox.faults.order({ provider: `${name}-status-query`, do: action });

    /** Sends and queries with separate providers, as after a crash of the first process. */
    async function send(delivery: OutboundDelivery, signal = AbortSignal.timeout(ANSWERED_MS)) {
      await using provider = contract.create(sandbox.env);
      return await provider.send(delivery, signal);
    }
    /** For sends that may have no answer. */
    const onceArrived = ({ deliveryId }: OutboundDelivery) =>
      deadlineOnce(() => sandbox.ledger.entries({ deliveryId, provider: name }).length > 0);
    async function statusQuery(delivery: OutboundDelivery, { env = sandbox.env, ms = ANSWERED_MS, startedAt = Date.now() - 1_000 } = {}) {
      await using provider = contract.create(env);
      const finding = await ask(provider, delivery, ms, startedAt);
      assertKeepsSecrets(finding, delivery, contract.secrets(env));
      return finding;
    }

    test("finds an accepted message, with the reference from its answer", async () => {
      const delivery = contract.delivery();
      const outcome = await send(delivery);
      assert.ok(outcome.kind === "accepted", JSON.stringify(outcome));
      assert.deepEqual(await statusQuery(delivery), { kind: "found", outcome: { kind: "accepted", providerRef: outcome.providerRef } });
    });

    const withheld: [string, FaultAction][] = [
      ["whose answer never came", { kind: "no-answer" }],
      ["whose connection was cut after it", { kind: "cut-after" }],
      ["that was accepted and answered with 500", { kind: "answer", status: 500, body: "", accepted: true }],
    ];
    for (const [which, action] of withheld)
      test(`finds an attempt ${which}`, async () => {
        const delivery = contract.delivery();
        spoilSend(delivery, action);
        assert.equal((await send(delivery, action.kind === "no-answer" ? onceArrived(delivery) : undefined)).kind, "unanswered");
        const finding = await statusQuery(delivery);
        assert.ok(finding.kind === "found" && finding.outcome.kind === "accepted", JSON.stringify(finding));
        assert.notEqual(finding.outcome.providerRef, "");
      });

    test("finds nothing of an attempt that never arrived", async () => {
      const delivery = contract.delivery();
      spoilSend(delivery, { kind: "cut-before" });
      await send(delivery);
      assert.deepEqual(await statusQuery(delivery), { kind: "absent" });
    });

    test("does not take another attempt of the delivery, or another delivery like it, for this one", async () => {
      const first = contract.delivery();
      assert.equal((await send(first)).kind, "accepted");
      const second = { ...first, attemptId: attemptId(first.deliveryId, 2) };
      // One of two similar messages was accepted; the query is for the other one.
      const like = { ...contract.delivery(), endpoint: first.endpoint, content: first.content };
      const foundFor = [await statusQuery(first), await statusQuery(second), await statusQuery(like)].map(({ kind }) => kind);
      assert.deepEqual(foundFor, ["found", "absent", "absent"]);
    });

    test("finds nothing while the provider's index is behind, and finds it later", async () => {
      const delivery = contract.delivery();
      await send(delivery);
      spoilStatusQuery({ kind: "lag", ms: 60_000 });
      assert.deepEqual(await statusQuery(delivery), { kind: "absent" });
      assert.equal((await statusQuery(delivery)).kind, "found");
    });

    test("reports an empty answer as absent", async () => {
      const delivery = contract.delivery();
      await send(delivery);
      spoilStatusQuery({ kind: "answer", status: 200, body: contract.empty });
      assert.deepEqual(await statusQuery(delivery), { kind: "absent" });
    });

    test("reports the wait after too many queries", async () => {
      spoilStatusQuery({ kind: "answer", ...contract.throttled });
      const finding = await statusQuery(contract.delivery());
      assert.ok(finding.kind === "unreadable" && finding.fault.code === "status-query-throttled", JSON.stringify(finding));
      const waitMs = Number(/^ask again after (\d+) ms$/.exec(finding.fault.detail ?? "")?.[1]);
      assert.ok(waitMs > contract.throttledMs - 5_000 && waitMs <= contract.throttledMs, finding.fault.detail);
    });

    const unwell: [string, FaultAction, string][] = [
      ["an answer of 503", { kind: "answer", status: 503, body: "" }, "http-503"],
      ["a page instead of an answer", { kind: "answer", status: 502, body: "<html>" }, "http-502"],
      ["a status query the account has not booked", { kind: "answer", status: 403, body: {} }, "status-query-not-enabled"],
      ["a cut connection", { kind: "cut-after" }, "reset"],
    ];
    for (const [what, action, code] of unwell)
      test(`calls once, and takes ${what} for no finding`, async () => {
        const delivery = contract.delivery();
        await send(delivery);
        // A second call would find it.
        spoilStatusQuery(action);
        assert.deepEqual(await statusQuery(delivery), { kind: "unreadable", fault: { code } });
      });

    for (const [what, answer, expected] of contract.answers ?? [])
      test(`makes ${JSON.stringify(expected)} of ${what}`, async () => {
        spoilStatusQuery({ kind: "answer", ...answer });
        assert.deepEqual(await statusQuery(contract.delivery()), expected);
      });

    test("gives up at its deadline", async () => {
      spoilStatusQuery({ kind: "no-answer" });
      assert.deepEqual(await statusQuery(contract.delivery(), { ms: UNANSWERED_MS }), { kind: "unreadable", fault: { code: "deadline" } });
    });

    test("reports an unreachable provider as unreadable", async () => {
      const env = contract.at(await closedOrigin("http"), sandbox.env);
      assert.deepEqual(await statusQuery(contract.delivery(), { env }), { kind: "unreadable", fault: { code: "refused" } });
    });

    test("finds nothing with credentials the provider does not know", async () => {
      const delivery = contract.delivery();
      await send(delivery);
      const finding = await statusQuery(delivery, { env: contract.wrongCredentials(sandbox.env) });
      assert.deepEqual(finding, { kind: "unreadable", fault: { code: "status-query-unauthorized" } });
    });

    test("does not query what it cannot have sent", async () => {
      const endpoint = { channel: "apns", token: "00ff" } as const;
      assert.deepEqual(await statusQuery({ ...contract.delivery(), endpoint }), { kind: "unreadable", fault: { code: "wrong-channel" } });
    });
  });
}

/** @param startedAt ms since the epoch */
export function ask(provider: Provider, { attemptId, deliveryId, endpoint, content }: OutboundDelivery, ms: number, startedAt: number) {
  assert.ok(provider.statusQuery, `${provider.name} has no status query`);
  const question: StatusQuery = { attemptId, deliveryId, endpoint, content, startedAt };
  return provider.statusQuery(question, AbortSignal.timeout(ms));
}
