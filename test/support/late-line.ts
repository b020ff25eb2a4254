import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A proxy to a server that at first accepts connections and forwards nothing, not even the handshake. */
export interface LateLine extends AsyncDisposable {
  /** The server's origin with this proxy's port. */
  origin: string;
  /** Resolves with the first connection. */
  connected: Promise<unknown>;
  /** From now on everything is forwarded, buffered bytes first. */
  open(): void;
}

export async function startLateLine(origin: string): Promise<LateLine> {
  const { protocol, hostname, port } = new URL(origin);
  const sockets = new Set<Socket>();
  const opened = Promise.withResolvers<void>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    return socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
  };
  const server = createServer({ pauseOnConnect: true }, async (client) => {
    keep(client);
    await opened.promise;
    const upstream = keep(connect(Number(port), hostname));
    client.pipe(upstream).pipe(client);
    client.resume();
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => client.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `${protocol}//127.0.0.1:${(server.address() as AddressInfo).port}`,
    connected: once(server, "connection"),
    open: () => opened.resolve(),
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}
