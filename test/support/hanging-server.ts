import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** For tests of connections: takes them, and what then happens is the test's to say. */
export interface HangingServer extends AsyncDisposable {
  origin(scheme: "http" | "https"): string;
  /** The next bytes that arrived, and on which connection. */
  heard(): Promise<Heard>;
}
interface Heard {
  socket: Socket;
  text: string;
}

export async function startHangingServer(): Promise<HangingServer> {
  const sockets = new Set<Socket>();
  const arrived: Heard[] = [];
  const waiting: ((heard: Heard) => void)[] = [];
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    socket.on("data", (bytes: Buffer) => {
      const heard = { socket, text: bytes.toString("latin1") };
      const next = waiting.shift();
      if (next) next(heard);
      else arrived.push(heard);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return {
    origin: (scheme) => `${scheme}://127.0.0.1:${port}`,
    heard() {
      const heard = arrived.shift();
      return heard ? Promise.resolve(heard) : new Promise((resolve) => waiting.push(resolve));
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
