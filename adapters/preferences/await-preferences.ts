import { status } from "@grpc/grpc-js";
import type { Clock } from "../../core/ports/clock.ts";
import type { Logger } from "../../runtime/logger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { OptOutsClient, Probe } from "./opt-outs-client.ts";

/**
 * How long a role waits for the preferences service at its start, in ms: in a first installation all roles start at once. After that the process
 * ends, and its orchestrator starts it again.
 */
export const PREFERENCES_WAIT_MS = 15_000;
const PREFERENCES_TRY_MS = 500;

/**
 * Resolves once the preferences service answers with our token. Rejects with an OperatorError at once where it rejects the token or is another
 * service, and after PREFERENCES_WAIT_MS where it cannot be reached: otherwise such a role would be ready, and everything that is not critical wait.
 */
export async function awaitPreferences(
  client: Pick<OptOutsClient, "probe">,
  { address, clock, log, signal }: { address: string; clock: Pick<Clock, "monotonic" | "sleep">; log: Logger; signal: AbortSignal },
): Promise<void> {
  const giveUpAt = clock.monotonic() + PREFERENCES_WAIT_MS;
  /** The last one that says more than a status: between two attempts to connect there is only that. */
  let fault = "";
  for (let tries = 1; ; tries++) {
    const found = await client.probe();
    if (found.kind === "answers") return;
    if (fault === "" || !(found.fault in status)) fault = found.fault;
    const mistake = mistakeOf(found);
    if (mistake) throw new OperatorError(`preferences at ${address}: ${mistake}`);
    if (signal.aborted) return;
    if (clock.monotonic() >= giveUpAt)
      throw new OperatorError(
        `preferences cannot be reached at ${address} within ${PREFERENCES_WAIT_MS} ms (${fault}); see that it runs, that PREFERENCES_ADDRESS names ` +
          "it, and that both use INTERNAL_TLS files of one authority, or neither",
      );
    if (tries === 1) log.warn({ preferences: address, fault: found.fault }, "waiting for preferences");
    await clock.sleep(PREFERENCES_TRY_MS, signal);
  }
}

/** What waiting does not mend. */
function mistakeOf({ code, fault }: Extract<Probe, { kind: "fails" }>): string | undefined {
  if (code === status.PERMISSION_DENIED || code === status.UNAUTHENTICATED)
    return "it rejects the token in INTERNAL_TOKEN_FILE; give both the same file";
  if (code === status.UNIMPLEMENTED) return `another service answers there (${fault}); set PREFERENCES_ADDRESS to the preferences service`;
  return undefined;
}
