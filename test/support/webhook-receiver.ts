import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import type { Pair } from "./certificates.ts";

/** One call as it arrived. */
export interface ReceivedCall {
  id: string;
  headers: Record<string, string>;
  body: string;
}

/** How a receiver answers: a status, a whole answer, or not at all until it is closed. */
export type Behaviour = number | "hang" | { status: number; headers?: Record<string, string>; body?: string };

export interface WebhookReceiver extends AsyncDisposable {
  url: string;
  /** In the order of arrival, repetitions included. */
  calls: ReceivedCall[];
  /** Of the next calls. */
  behave: Behaviour;
  /** Calls that it holds without an answer, and the most that it was answering at once. */
  held(): number;
  heldMax(): number;
  /** Answers those that it holds. */
  release(status: number): void;
}

/** A real HTTP server that is told of events. @param tls of an https server at localhost; absent: plain http */
export async function startWebhookReceiver(tls?: Pair): Promise<WebhookReceiver> {
  const held = new Set<ServerResponse>();
  let heldMax = 0;
  const receiver = { calls: [] as ReceivedCall[], behave: 204 as Behaviour };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    receiver.calls.push({ id: headers["webhook-id"] ?? "", headers, body: Buffer.concat(chunks).toString() });
    const { behave } = receiver;
    if (behave === "hang") {
      held.add(response);
      heldMax = Math.max(heldMax, held.size);
      response.on("close", () => held.delete(response));
    } else if (typeof behave === "number") response.writeHead(behave).end();
    else response.writeHead(behave.status, behave.headers).end(behave.body);
  };
  const server = tls ? createTlsServer({ cert: tls.cert, key: tls.key }, answer) : createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(receiver, {
    url: `${tls ? "https://localhost" : "http://127.0.0.1"}:${(server.address() as AddressInfo).port}/hook?from=carillon`,
    held: () => held.size,
    heldMax: () => heldMax,
    release(status: number) {
      for (const response of held) response.writeHead(status).end();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

/** The body, where the package that receivers use accepts its signature with this secret; else it throws. */
export const verified = (secret: string, { body, headers }: ReceivedCall) =>
  new Webhook(secret).verify(body, headers) as { type: string; timestamp: string; data: Record<string, unknown> };
