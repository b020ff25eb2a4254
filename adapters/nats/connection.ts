import type { Nats } from "./connect.ts";

/**
 * The connection there is now, as far as the client has noticed: its signal aborts when it is lost, and the next one has another. Until then the
 * client would keep what is published, without a bound.
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
