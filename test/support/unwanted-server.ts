import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** For connections that must not be made: counts them, and closes them. */
export interface UnwantedServer extends AsyncDisposable {
  readonly port: number;
  readonly connections: number;
}

export async function startUnwantedServer(): Promise<UnwantedServer> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on("error", () => undefined);
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

const PROXY_VARIABLES = ["http_proxy", "https_proxy", "grpc_proxy", "all_proxy"].flatMap((name) => [name, name.toUpperCase()]);

/** This process's environment names a proxy for everything, as long as `run` runs. */
export async function withProxyOfEnvironment<T>(port: number, run: () => Promise<T>): Promise<T> {
  const names = [...PROXY_VARIABLES, "no_proxy", "NO_PROXY"];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) delete process.env[name];
  for (const name of PROXY_VARIABLES) process.env[name] = `http://127.0.0.1:${port}`;
  try {
    return await run();
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
}
