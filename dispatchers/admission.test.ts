import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_ACCOUNT } from "../core/delivery/account.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import { toTask } from "../core/delivery/task.ts";
import { createLogger } from "../runtime/logger.ts";
import { accepted, useDispatchWorld } from "../test/support/dispatch-world.ts";
import { sampleNotification } from "../test/support/notification-samples.ts";
import { scriptedProvider } from "../test/support/scripted-provider.ts";
import { createAdmission } from "./admission.ts";
import { createCircuitBreakers } from "./circuit-breaker.ts";

const world = useDispatchWorld();

test("a device that was registered anew is judged by the circuits of what it is now", async () => {
  const { store, clock } = world;
  const providers = [{ ...scriptedProvider("apns", () => accepted), account: DEFAULT_ACCOUNT }];
  const log = createLogger("test", "silent");
  const circuits = createCircuitBreakers({ providers, clock, log, random: () => 0, deadlineMs: 1_000 });
  const token: Endpoint = { channel: "apns", token: "ab" };
  const renewed: Endpoint = { ...token, environment: "development" };
  const n = sampleNotification("n", clock.now());
  const task = toTask(n, { ...n.deliveries[0]!, channel: "apns", endpoint: token });
  const admit = createAdmission({
    ...{ store, clock, circuits, deadlineMs: 1_000, random: () => 0 },
    gate: { mayTry: async () => true },
    checkRecipient: async () => ({ kind: "reachable", endpoint: renewed, askedAt: clock.monotonic() }),
  });
  const admission = await admit(task, "h");
  assert.ok(admission.kind === "admitted", admission.kind);
  assert.deepEqual([admission.endpoint, admission.passage.endpoint], [renewed, renewed]);
});
