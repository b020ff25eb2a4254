import type { Nats } from "./connect.ts";

/**
 * The signal of the current connection: it aborts when the client notices that the connection is lost; each connection has its own. Without
 * it the client would buffer what is published while disconnected, without a bound.
 */
export function followConnection(nats: Nats): () => AbortSignal {
  let connection = new AbortController();
  void (async () => {
    for await (const { type } of nats.status()) {
      if (type === "disconnect") connection.abort(new Error("the connection was lost"));
      else if (type === "reconnect") connection = new AbortController();
    }
  })();
  return () => connection.signal;
}
