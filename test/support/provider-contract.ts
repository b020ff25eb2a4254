import assert from "node:assert/strict";
import { describe } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { attemptId } from "../../core/ports/attempt-store.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import { startHangingServer } from "./hanging-server.ts";
import { answeredInTime, closedOrigin, deadlineOnce, only, type ProviderContract, type Scene, useScene } from "./provider-scene.ts";
import { startUnwantedServer, withProxyOfEnvironment } from "./unwanted-server.ts";

/** How long connections may take to close after disposal, in ms: less than idle ones are kept open. */
const CLOSED_MS = 2_000;

/** The contract of every provider, tested over the wire against the sandbox. Assertions look at what arrived. */
export function describeProviderContract(contract: ProviderContract): void {
  describe(`provider ${contract.name}`, () => {
    const scene = useScene(contract);
    testSends(scene);
    testConnections(scene);
    testAnswers(scene);
  });
}

/** What arrives, and where it goes. */
function testSends(scene: Scene): void {
  const { contract, test, sendOnce, arrived, order } = scene;

  test("sends once, and returns the provider's id", async () => {
    const delivery = contract.delivery(scene.sandbox);
    const outcome = await sendOnce(delivery);
    assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
    assert.ok(outcome.kind === "accepted" && outcome.providerRef.length > 0);
    const entry = only(arrived(delivery));
    assert.equal(entry.accepted, true, entry.answer);
    assert.equal(entry.attemptId, delivery.attemptId);
  });

  test("sends many at once, each of them once", async () => {
    const deliveries = Array.from({ length: 60 }, () => contract.delivery(scene.sandbox));
    const provider = await contract.create(scene.sandbox.env);
    try {
      const outcomes = await Promise.all(deliveries.map((d) => provider.send(d, answeredInTime())));
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
    const delivery = contract.delivery(scene.sandbox);
    const outcome = await withProxyOfEnvironment(proxy.port, () => sendOnce(delivery));
    assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
    only(arrived(delivery));
    assert.equal(proxy.connections, 0);
  });

  test("follows no redirect", async () => {
    await using elsewhere = await startUnwantedServer();
    for (const status of [301, 302, 303, 307, 308]) {
      const delivery = contract.delivery(scene.sandbox);
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
      const first = contract.delivery(scene.sandbox);
      const marks = await marksOf(first);
      assert.deepEqual(await marksOf({ ...first, attemptId: attemptId(first.deliveryId, 2) }), marks);
      const other = await marksOf({ ...contract.delivery(scene.sandbox), endpoint: first.endpoint });
      for (const [name, mark] of Object.entries(marks)) assert.notEqual(other[name], mark, name);
    });

    test("a caller's collapse key replaces across deliveries, within its app", async () => {
      const keyed = (app: string) => ({ ...contract.delivery(scene.sandbox), app, collapseKey: "order-7" });
      const marks = await marksOf(keyed("shop"));
      assert.deepEqual(await marksOf(keyed("shop")), marks);
      const elsewhere = await marksOf(keyed("bank"));
      for (const [name, mark] of Object.entries(marks)) assert.notEqual(elsewhere[name], mark, name);
    });
  }
}

/** What is known of a push whose connection broke, or never was, and that none stays open. */
function testConnections(scene: Scene): void {
  const { contract, test, sendOnce, arrived, order } = scene;

  test("reports a push without an answer as unanswered", async () => {
    const delivery = contract.delivery(scene.sandbox);
    order({ kind: "no-answer" }, delivery.deliveryId);
    const outcome = await sendOnce(delivery, { signal: deadlineOnce(() => arrived(delivery).length > 0) });
    assert.deepEqual(outcome, { kind: "unanswered", fault: { code: "deadline" } });
    assert.equal(only(arrived(delivery)).accepted, true);
  });

  test("reports a push whose connection was cut after it as unanswered, and does not repeat it", async () => {
    const delivery = contract.delivery(scene.sandbox);
    order({ kind: "cut-after" }, delivery.deliveryId);
    const outcome = await sendOnce(delivery);
    assert.equal(outcome.kind, "unanswered", JSON.stringify(outcome));
    only(arrived(delivery));
  });

  test("does not repeat a push that was cut off on a reused connection", async () => {
    const [earlier, delivery] = [contract.delivery(scene.sandbox), contract.delivery(scene.sandbox)];
    order({ kind: "cut-after" }, delivery.deliveryId);
    const provider = await contract.create(scene.sandbox.env);
    try {
      assert.equal((await provider.send(earlier, answeredInTime())).kind, "accepted");
      assert.equal((await provider.send(delivery, answeredInTime())).kind, "unanswered");
      // The provider can still send.
      assert.equal((await provider.send(contract.delivery(scene.sandbox), answeredInTime())).kind, "accepted");
    } finally {
      await provider[Symbol.asyncDispose]();
    }
    only(arrived(delivery));
  });

  test("knows that nothing was sent where the connection is refused", async () => {
    const { env, delivery } = contract.at(await closedOrigin(), scene.sandbox.env, contract.delivery(scene.sandbox));
    assert.deepEqual(await sendOnce(delivery, { env }), { kind: "unavailable", fault: { code: "refused" } });
    assert.deepEqual(arrived(delivery), []);
  });

  test("knows that nothing was sent where the handshake never ends", async () => {
    await using silent = await startHangingServer();
    const { env, delivery } = contract.at(silent.origin("https"), scene.sandbox.env, contract.delivery(scene.sandbox));
    const outcome = await sendOnce(delivery, { env, signal: deadlineOnce(() => silent.connections > 0) });
    assert.deepEqual(outcome, { kind: "unavailable", fault: { code: "deadline" } });
  });

  test("knows that nothing was sent where the deadline had passed before", async () => {
    const delivery = contract.delivery(scene.sandbox);
    const provider = await contract.create(scene.sandbox.env);
    try {
      assert.deepEqual(await provider.send(delivery, AbortSignal.abort()), { kind: "unavailable", fault: { code: "deadline" } });
    } finally {
      await provider[Symbol.asyncDispose]();
    }
    assert.deepEqual(arrived(delivery), []);
  });

  test("writes nothing where the last check before the first byte says no, also on a connection that is open", async () => {
    const provider = await contract.create(scene.sandbox.env);
    const [early, first, late] = [contract.delivery(scene.sandbox), contract.delivery(scene.sandbox), contract.delivery(scene.sandbox)];
    try {
      assert.deepEqual(await provider.send(early, answeredInTime(), () => false), { kind: "unavailable", fault: { code: "deadline" } });
      let asked = 0;
      assert.equal((await provider.send(first, answeredInTime(), () => ++asked > 0)).kind, "accepted");
      assert.equal(asked, 1, "asked once a call");
      assert.deepEqual(await provider.send(late, answeredInTime(), () => false), { kind: "unavailable", fault: { code: "deadline" } });
    } finally {
      await provider[Symbol.asyncDispose]();
    }
    assert.deepEqual([arrived(early), arrived(late)], [[], []]);
    only(arrived(first));
  });

  test("does not trust a certificate of an unknown authority", async () => {
    const delivery = contract.delivery(scene.sandbox);
    const outcome = await sendOnce(delivery, { env: { ...scene.sandbox.env, PROVIDER_CA_FILE: "" } });
    assert.deepEqual(outcome, { kind: "misconfigured", reason: "tls-untrusted" });
    assert.deepEqual(arrived(delivery), []);
  });

  test("leaves no connection open", async () => {
    const openBefore = openConnections();
    const provider = await contract.create(scene.sandbox.env);
    const hanging = contract.delivery(scene.sandbox);
    order({ kind: "no-answer" }, hanging.deliveryId);
    await Promise.all([
      provider.send(contract.delivery(scene.sandbox), answeredInTime()),
      provider.send(
        hanging,
        deadlineOnce(() => arrived(hanging).length > 0),
      ),
    ]);
    await provider[Symbol.asyncDispose]();
    const giveUpAt = performance.now() + CLOSED_MS;
    while (openConnections() > openBefore && performance.now() < giveUpAt) await turn();
    assert.ok(openConnections() <= openBefore, `${openConnections()} connections open, ${openBefore} before`);
  });
}

/** What is made of the provider's answers. */
function testAnswers(scene: Scene): void {
  const { contract, test, sendOnce, arrived, order } = scene;

  test("calls once when the provider is unavailable", async () => {
    const delivery = contract.delivery(scene.sandbox);
    order({ kind: "answer", ...contract.unavailable }, delivery.deliveryId);
    const outcome = await sendOnce(delivery);
    assert.equal(outcome.kind, "unavailable", JSON.stringify(outcome));
    only(arrived(delivery));
  });

  test("reports the wait that the provider asks for", async () => {
    const delivery = contract.delivery(scene.sandbox);
    const { retryAfterMs, ...answer } = contract.throttled;
    order({ kind: "answer", ...answer }, delivery.deliveryId);
    const outcome = await sendOnce(delivery);
    assert.equal(outcome.kind, "throttled", JSON.stringify(outcome));
    assert.equal(outcome.kind === "throttled" && outcome.retryAfterMs, retryAfterMs);
    only(arrived(delivery));
  });

  for (const [answerName, answer, expected] of contract.answers ?? [])
    test(`makes ${expected.kind} of ${answerName}`, async () => {
      const delivery = contract.delivery(scene.sandbox);
      order({ kind: "answer", ...answer }, delivery.deliveryId);
      assert.deepEqual(await sendOnce(delivery), expected);
      only(arrived(delivery));
    });

  test("reports unknown credentials as misconfigured", async () => {
    const delivery = contract.delivery(scene.sandbox);
    const outcome = await sendOnce(delivery, { env: contract.wrongCredentials(scene.sandbox.env) });
    assert.equal(outcome.kind, "misconfigured", JSON.stringify(outcome));
    assert.deepEqual(
      arrived(delivery).filter((entry) => entry.accepted),
      [],
    );
  });

  test("reports an endpoint as gone", async () => {
    assert.ok(contract.deadDelivery, "give deadDelivery, or skip this with a reason");
    const delivery = contract.deadDelivery(scene.sandbox);
    const outcome = await sendOnce(delivery);
    assert.equal(outcome.kind, "endpoint-gone", JSON.stringify(outcome));
    only(arrived(delivery));
  });
}

/** The sandbox runs in this process, so its ends of the connections count too, also where the provider's are unreferenced. */
const openConnections = () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap" || kind === "TLSWrap").length;
