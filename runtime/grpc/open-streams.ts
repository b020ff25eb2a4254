import { type CallError, callError } from "../call-error.ts";
import type { Connection } from "./connections.ts";
import { OPEN_CALLS_PER_SECOND, OPEN_STREAMS_MAX, OPEN_STREAMS_PER_CONNECTION, OVERLOAD_WAIT_MS } from "./limits.ts";
import type { MethodLimits } from "./methods.ts";

/** A stream that anybody may open. */
export interface OpenStream {
  readonly method: MethodLimits;
  readonly connection: Connection | undefined;
}

export interface OpenStreams<Call extends OpenStream> {
  /** Why no further call of this method is taken on the connection. */
  fault(method: MethodLimits, connection: Connection | undefined): CallError | undefined;
  add(call: Call): void;
  remove(call: Call): void;
}

const retry = { retryAfterMs: OVERLOAD_WAIT_MS };
const tooOften = callError(
  "RESOURCE_EXHAUSTED",
  "OVERLOADED",
  `health and reflection are called more than ${OPEN_CALLS_PER_SECOND} times a second on this connection`,
  retry,
);
const madeRoom = callError("RESOURCE_EXHAUSTED", "OVERLOADED", "the stream made room for a newer one", retry);
const tooManyHere = callError(
  "RESOURCE_EXHAUSTED",
  "OVERLOADED",
  `${OPEN_STREAMS_PER_CONNECTION} streams of health and reflection are open on this connection`,
  retry,
);
const tooMany = callError("RESOURCE_EXHAUSTED", "OVERLOADED", `${OPEN_STREAMS_MAX} streams of reflection are open`, retry);

/**
 * The streams of health and reflection that are open on a listener. A connection may have only a few, so that the limit of connections bounds those
 * of health, which never end. Those of reflection have a limit for the whole listener as well. At that limit the oldest one on a connection without
 * an admitted call is ended.
 * @param giveWay ends the stream, and removes it here
 */
export function createOpenStreams<Call extends OpenStream>(giveWay: (call: Call, error: CallError) => void): OpenStreams<Call> {
  /** Of reflection, oldest first. */
  const reflections = new Set<Call>();
  const counts = new Map<Connection, number>();
  const isReflection = ({ messagesMax }: MethodLimits) => messagesMax > 1;

  return {
    fault(method, connection) {
      if (method.anybody && connection && !connection.mayAsk()) return tooOften;
      if (!method.open) return undefined;
      if (connection && (counts.get(connection) ?? 0) >= OPEN_STREAMS_PER_CONNECTION) return tooManyHere;
      if (!isReflection(method) || reflections.size < OPEN_STREAMS_MAX) return undefined;
      for (const other of reflections) {
        if (other.connection?.callerKey !== undefined) continue;
        giveWay(other, madeRoom);
        return undefined;
      }
      return tooMany;
    },
    add(call) {
      const { method, connection } = call;
      if (!method.open) return;
      if (isReflection(method)) reflections.add(call);
      if (connection) counts.set(connection, (counts.get(connection) ?? 0) + 1);
    },
    remove(call) {
      const { method, connection } = call;
      if (!method.open) return;
      reflections.delete(call);
      if (!connection) return;
      const left = (counts.get(connection) ?? 0) - 1;
      if (left > 0) counts.set(connection, left);
      else counts.delete(connection);
    },
  };
}
