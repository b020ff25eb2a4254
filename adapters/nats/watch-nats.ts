import type { Clock } from "../../core/ports/clock.ts";
import type { Values } from "../../runtime/config.ts";
import type { Logger } from "../../runtime/logger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { connectNats, type Nats, type natsVariables } from "./connect.ts";

/** Between two tries of the first connection, in ms; afterwards the client reconnects by itself. */
const TRY_AGAIN_MS = 1_000;

/** Whether NATS can be reached, for processes that also work without it. */
export interface NatsWatch extends AsyncDisposable {
  /** Undefined: not tried yet. */
  isConnected(): boolean | undefined;
}

/** Connects in the background, for as long as it takes. */
export function watchNats(config: Values<typeof natsVariables>, { log, clock }: { log: Logger; clock: Pick<Clock, "sleep"> }): NatsWatch {
  const ending = new AbortController();
  let nats: Nats | undefined;
  let isTried = false;
  const connecting = (async () => {
    while (!ending.signal.aborted) {
      try {
        nats = await connectNats(config, log);
        return;
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error;
        if (!isTried) log.warn({ reason: error.message }, "NATS cannot be used; this role works without it");
      } finally {
        isTried = true;
      }
      await clock.sleep(TRY_AGAIN_MS, ending.signal);
    }
  })();
  return {
    isConnected: () => (isTried ? (nats?.isConnected() ?? false) : undefined),
    async [Symbol.asyncDispose]() {
      ending.abort();
      await connecting;
      await nats?.close();
    },
  };
}
