// What tests of the HTTP server share: servers that end with the test file, and connections that send any bytes.
import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import { after } from "node:test";
import type { HttpRejection } from "../../runtime/http/rejections.ts";
import { type HttpServerOptions, startHttpServer } from "../../runtime/http/server.ts";
import { createLogger } from "../../runtime/logger.ts";

export function useHttpServers() {
  const lines: string[] = [];
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const stack = new AsyncDisposableStack();
  after(() => stack.disposeAsync());

  /** The origin of a new server. */
  async function serve(options: Partial<HttpServerOptions> = {}): Promise<string> {
    const server = stack.use(await startHttpServer({ host: "127.0.0.1", port: 0, ready: () => true, log, drainMs: 100, ...options }));
    return `http://127.0.0.1:${server.port}`;
  }

  /** A connection that sends what it is told, and its answers. */
  async function open(url: string, sent: string) {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    stack.defer(() => void socket.destroy());
    let answered = "";
    socket.setEncoding("latin1").on("data", (data) => {
      answered += data;
    });
    socket.on("error", () => undefined);
    const closed = once(socket, "close").then(() => answered);
    await once(socket, "connect");
    socket.write(sent);
    return { socket, closed };
  }
  return { lines, log, serve, open };
}

export const get = async (url: string, init: RequestInit = {}) => {
  const response = await fetch(url, { ...init, headers: { connection: "close", ...init.headers } });
  return { status: response.status, body: await response.text(), headers: response.headers };
};

/** What is rejected, in order, and a wait for the next of its reason. */
export function watchRejections() {
  const seen: HttpRejection[] = [];
  const arrivals = new EventEmitter();
  const onRejected = (reason: HttpRejection) => {
    seen.push(reason);
    arrivals.emit(reason);
  };
  return { seen, onRejected, next: (reason: HttpRejection) => once(arrivals, reason) };
}
