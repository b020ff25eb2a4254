// A TCP proxy that moves connections from one server to another and keeps them open towards the client, as failovers behind a proxy do.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface SwitchedConnection {
  /** The port of the server that it leads to. */
  readonly port: number;
  /** Only while no answer is pending. */
  moveTo(port: number): Promise<void>;
}

export interface TcpSwitch extends AsyncDisposable {
  readonly port: number;
  /** Where new connections lead; on 127.0.0.1. */
  target: number;
  /** Those that are open, oldest first. */
  connections(): readonly SwitchedConnection[];
}

export async function startTcpSwitch(target: number): Promise<TcpSwitch> {
  const open = new Map<Socket, SwitchedConnection & { end(): void }>();
  const reach = async (port: number): Promise<Socket> => {
    const upstream = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(upstream, "connect");
    return upstream;
  };
  const server = createServer({ pauseOnConnect: true, noDelay: true }, async (client) => {
    client.on("error", () => undefined);
    let upstream: Socket;
    let port = tcpSwitch.target;
    const lead = (to: Socket) => {
      upstream = to;
      to.on("data", (data) => void client.write(data)).on("error", () => undefined);
      to.on("close", () => {
        if (upstream === to) client.destroy();
      });
    };
    try {
      lead(await reach(port));
    } catch {
      return void client.resetAndDestroy();
    }
    open.set(client, {
      get port() {
        return port;
      },
      async moveTo(next) {
        const before = upstream;
        const to = await reach(next);
        port = next;
        lead(to);
        before.destroy();
      },
      end: () => upstream.destroy(),
    });
    client.on("data", (data) => void upstream.write(data));
    client.on("close", () => {
      open.delete(client);
      upstream.destroy();
    });
    client.resume();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const tcpSwitch: TcpSwitch = {
    port: (server.address() as AddressInfo).port,
    target,
    connections: () => [...open.values()],
    async [Symbol.asyncDispose]() {
      server.close();
      for (const [client, { end }] of open) {
        end();
        client.destroy();
      }
      await once(server, "close");
    },
  };
  return tcpSwitch;
}
