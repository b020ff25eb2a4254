// What tests of circuits share: texts to numbers, a provider that fails, and pods with circuits of their own.
import { SERVICE_FAILURES_MIN, SERVICE_SPAN_MS } from "../../core/delivery/circuit.ts";
import type { Delivery } from "../../core/delivery/notification.ts";
import type { Outcome } from "../../core/delivery/outcome.ts";
import { toTask } from "../../core/delivery/task.ts";
import type { OutboundDelivery } from "../../core/ports/provider.ts";
import type { DeliveryTask } from "../../core/ports/queue.ts";
import type { SharedCircuits } from "../../core/ports/shared-circuits.ts";
import { createCircuitBreakers } from "../../dispatchers/circuit-breaker.ts";
import { createLogger } from "../../runtime/logger.ts";
import { useDispatchWorld } from "./dispatch-world.ts";
import { sampleNotification } from "./notification-samples.ts";
import type { ScriptedProvider } from "./scripted-provider.ts";

export const down: Outcome = { kind: "unavailable", fault: { code: "http-503" } };
export const wrongKey: Outcome = { kind: "misconfigured", reason: "20003" };
/** A token of another project, for example. */
export const foreign: Outcome = { kind: "misconfigured", reason: "21612", scope: "endpoint" };

export const numbersOf = (sent: readonly Pick<OutboundDelivery, "endpoint">[]) =>
  sent.map(({ endpoint }) => (endpoint.channel === "sms" ? endpoint.phoneNumber : ""));

/** A store and a clock, new for each test. */
export function useCircuitWorld() {
  const world = useDispatchWorld();
  let keys = 0;

  /** A text to a number, accepted and ready for its first attempt. */
  async function textTo(
    phoneNumber: string,
    notificationClass: DeliveryTask["notificationClass"] = "transactional",
    app = "shop",
  ): Promise<DeliveryTask> {
    const now = world.clock.now();
    const n = sampleNotification(`circuit-${++keys}`, now, { app, notificationClass, expiresAt: now + 72_000_000 });
    const [d] = n.deliveries;
    const record = { ...n, deliveries: [{ ...d!, endpoint: { channel: "sms", phoneNumber }, endpointId: undefined } satisfies Delivery] };
    await world.store.notifications.insert([record]);
    return toTask(record, record.deliveries[0]!);
  }

  /** A dispatcher's circuits and its dispatch step. */
  function pod(providers: ScriptedProvider[], shared?: SharedCircuits) {
    const { clock } = world;
    const log = createLogger("test", "info", { write: (line) => void world.lines.push(line) });
    const circuits = createCircuitBreakers({ ...{ providers, clock, log, shared }, random: () => 0.5, deadlineMs: 1_000 });
    return { circuits, ...world.setUp({ providers, circuits }) };
  }

  /** Sends texts to different numbers of a country until the provider has failed for long enough. */
  async function fail(dispatch: ReturnType<typeof pod>["dispatch"], country = "+4930", count = SERVICE_FAILURES_MIN) {
    for (let i = 0; i < count; i++) {
      await dispatch(await textTo(`${country}55${i}`), "h");
      world.clock.advance(SERVICE_SPAN_MS / (SERVICE_FAILURES_MIN - 1));
    }
  }

  return { world, textTo, pod, fail };
}
