import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeTask, encodeTask } from "../adapters/nats/task-codec.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { useDispatchWorld } from "../test/support/dispatch-world.ts";
import { createDispatchMetrics } from "./metrics.ts";
import { createNeedsGuard, UNKNOWN_NEED_LOG_MS, UNKNOWN_NEED_WAIT_MS } from "./needs-guard.ts";

const world = useDispatchWorld();

function setUp() {
  const lines: string[] = [];
  const { dispatch, sent } = world.setUp();
  const metrics = createDispatchMetrics(createMetrics("test"));
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const handle = createNeedsGuard(dispatch, { channel: "sms", clock: world.clock, log, metrics });
  return { handle, sent, lines, metrics };
}

/** As it comes off the queue. */
const carried = (needs: string[]) => decodeTask(encodeTask({ ...world.task(), needs }), "")!;

test("returns a task of a newer version to the queue, without claiming or sending it", async () => {
  const { handle, sent, metrics } = setUp();
  assert.deepEqual(await handle(carried(["attachments"]), "h"), { kind: "nak", delayMs: UNKNOWN_NEED_WAIT_MS });
  assert.deepEqual(sent(), []);
  assert.deepEqual(await world.store.attempts.find([`${world.task().deliveryId}/1`]), []);
  assert.equal((await world.delivery()).state, "pending");
  const { values } = await metrics.settled.get();
  assert.deepEqual(
    values.map(({ labels, value }) => [labels.settlement, labels.why, value]),
    [["nak", "unknown-need", 1]],
  );
});

test("ends what has expired, and drops a status query: returned, both would be redelivered for ever", async () => {
  const { handle, sent } = setUp();
  assert.deepEqual(await handle({ ...carried(["attachments"]), statusQuery: true }, "h"), { kind: "ack" });
  assert.equal((await world.delivery()).state, "pending");
  world.clock.advance(world.task().expiresAt - world.clock.now());
  assert.deepEqual(await handle(carried(["attachments"]), "h"), { kind: "ack" });
  assert.deepEqual(sent(), []);
  assert.equal((await world.delivery()).state, "expired");
});

test("sends a task without needs, also as an older version published it", async () => {
  const { handle, sent } = setUp();
  assert.equal((await handle(carried([]), "h")).kind, "ack");
  assert.equal(sent().length, 1);
});

test("logs once a minute however many tasks it returns, and says how many", async () => {
  const { handle, lines } = setUp();
  for (let i = 0; i < 50; i++) await handle(carried(["attachments"]), "h");
  assert.equal(lines.length, 1);
  world.clock.advance(UNKNOWN_NEED_LOG_MS);
  await handle(carried(["attachments"]), "h");
  assert.equal(lines.length, 2);
  const { needs, givenBack } = JSON.parse(lines[1]!) as { needs: string[]; givenBack: number };
  assert.deepEqual([needs, givenBack], [["attachments"], 50]);
});
