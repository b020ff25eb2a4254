import { MISCONFIGURED_WAIT_MS } from "../core/delivery/decide.ts";
import type { Outcome } from "../core/delivery/outcome.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Provider } from "../core/ports/provider.ts";

export type Circuits = ReturnType<typeof createCircuitBreakers>;

/** Leaves a misconfigured provider alone for a while: its work waits in the queue, instead of burning attempts. */
export function createCircuitBreakers(providers: readonly Provider[], clock: Clock) {
  const openUntil = new Map<string, number>();
  const isOpen = (provider: Provider) => (openUntil.get(provider.name) ?? 0) > clock.monotonic();
  return {
    /** The provider whose turn this attempt is, or the next one whose circuit is closed: attempt 1 the first, 2 the second, and round again. */
    choose(attempt: number): Provider | undefined {
      const turn = (attempt - 1) % providers.length;
      return [...providers.slice(turn), ...providers.slice(0, turn)].find((p) => !isOpen(p));
    },
    heard(provider: string, outcome: Outcome): void {
      if (outcome.kind === "misconfigured") openUntil.set(provider, clock.monotonic() + MISCONFIGURED_WAIT_MS);
      else if (outcome.kind === "accepted") openUntil.delete(provider);
    },
    /** Other credentials are what a misconfigured provider waited for. */
    close(): void {
      openUntil.clear();
    },
    /** ms until the first circuit closes again. */
    reopensInMs(): number {
      return Math.max(0, Math.min(...openUntil.values()) - clock.monotonic());
    },
  };
}
