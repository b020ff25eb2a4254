import type { Workload } from "../adapters/nats/report.ts";
import { isCall, type OutcomeKind } from "../core/delivery/outcome.ts";
import type { Provider } from "../core/ports/provider.ts";

/** Outcomes after which more pods would only fail more: the provider is failing, throttling, or rejects our credentials. */
const PROVIDERS_FAULT: Readonly<Record<OutcomeKind, boolean>> = {
  accepted: false,
  throttled: true,
  unavailable: true,
  unanswered: true,
  "endpoint-gone": false,
  rejected: false,
  misconfigured: true,
};

/** The same provider with its calls counted for the autoscaler. */
export function instrumented(provider: Provider, workload: Pick<Workload, "calling">): Provider {
  return {
    name: provider.name,
    async send(delivery, signal, mayBegin) {
      const ended = workload.calling();
      let failed = true;
      try {
        const outcome = await provider.send(delivery, signal, mayBegin);
        failed = isCall(outcome) && PROVIDERS_FAULT[outcome.kind];
        return outcome;
      } finally {
        ended(failed ? "failed" : "done");
      }
    },
    ...(provider.route ? { route: (what) => provider.route!(what) } : {}),
    ...(provider.statusQuery ? { statusQuery: (question, signal) => provider.statusQuery!(question, signal) } : {}),
    [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
  };
}
