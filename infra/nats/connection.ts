import type { Nats } from "./connect.ts";

/** Whether the server is there, as far as the client has noticed. Disconnected, it would keep what is published, without a bound. */
export function followConnected(nats: Nats): () => boolean {
  let connected = true;
  void (async () => {
    for await (const status of nats.status()) {
      if (status.type === "disconnect") connected = false;
      else if (status.type === "reconnect") connected = true;
    }
  })();
  return () => connected;
}
