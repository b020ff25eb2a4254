import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A proxy to a MongoDB server that can cut the connection between a request and its answer. */
export interface CuttingProxy extends AsyncDisposable {
  /** While true, answers to inserts and updates are dropped and the client's connection is reset. */
  cut: boolean;
  /** The URI with this proxy's address in place of the server's. */
  through(uri: string): string;
  /** Resolves when `count` answers were dropped. */
  answered(count: number): Promise<void>;
}

/** How a command's first field begins in BSON: type string, the command's name, the end of the name. */
const WRITES = ["\u0002insert\0", "\u0002update\0"];

export async function startCuttingProxy(uri: string): Promise<CuttingProxy> {
  const [, host, port] = /^mongodb:\/\/(?:[^@/]*@)?([^:/,]+):?(\d*)/.exec(uri)!;
  const sockets = new Set<Socket>();
  let waiting: { count: number; resolve: () => void } | undefined;
  let answers = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port || 27017), host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    }
    let isWrite = false;
    client.on("data", (data) => {
      isWrite = WRITES.some((command) => data.includes(command));
      upstream.write(data);
    });
    client.on("close", () => upstream.end());
    upstream.on("close", () => client.destroy());
    upstream.on("data", (data) => {
      if (!proxy.cut || !isWrite) return void client.write(data);
      client.resetAndDestroy();
      answers++;
      if (waiting && answers >= waiting.count) waiting.resolve();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as { port: number };

  const proxy: CuttingProxy = {
    cut: false,
    through: (target) => {
      const moved = target.replace(/^(mongodb:\/\/(?:[^@/]*@)?)[^/?]+/, `$1127.0.0.1:${address.port}`);
      return `${moved}${moved.includes("?") ? "&" : "?"}directConnection=true`;
    },
    answered: (count) =>
      new Promise((resolve) => {
        waiting = { count, resolve };
        if (answers >= count) resolve();
      }),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return proxy;
}
