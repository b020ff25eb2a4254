import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** For tests of connections: a server that accepts them and leaves every answer to the test. */
export interface HangingServer extends AsyncDisposable {
  origin(scheme: "http" | "https"): string;
  /** How many were made. */
  readonly connections: number;
  /** The next bytes received, and their connection. */
  received(): Promise<Received>;
}
interface Received {
  socket: Socket;
  text: string;
}

export async function startHangingServer(): Promise<HangingServer> {
  const sockets = new Set<Socket>();
  const arrived: Received[] = [];
  const waiting: ((received: Received) => void)[] = [];
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    socket.on("data", (bytes: Buffer) => {
      const message = { socket, text: bytes.toString("latin1") };
      const next = waiting.shift();
      if (next) next(message);
      else arrived.push(message);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    get connections() {
      return connections;
    },
    origin: (scheme) => `${scheme}://127.0.0.1:${port}`,
    received() {
      const message = arrived.shift();
      return message ? Promise.resolve(message) : new Promise((resolve) => waiting.push(resolve));
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

export const OK_ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n{}";
