import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import { withDeadline } from "../deadline.ts";
import type { Logger } from "../logger.ts";

/** Connections at once; further ones are answered 421. A mail server delivers over few (Postfix: 20 to one destination), and comes back. */
const CONNECTIONS_MAX = 64;
/** Connections accepted above the bound, until those that were answered 421 are gone. Further ones are dropped. */
const BURST = 16;
/** A report holds headers, not bodies, where it was asked for; servers that return whole mails cut them, most at 50 kB. 64 of them are 16 MiB. */
const MESSAGE_BYTES_MAX = 262_144;
/** RFC 5321, section 4.5.3.1.4, has 512, and extensions add to it. */
const COMMAND_BYTES_MAX = 2_048;
/** How long nothing may arrive on a connection, in ms: mail servers keep one for some seconds to use it again. */
const SILENT_MS_MAX = 30_000;
/** How long a connection may last, in ms, whatever it does: a mail takes a second, and the sender repeats what was not answered. */
const CONNECTION_MS_MAX = 300_000;
/** How long a mail may be worked on before it is answered 451, in ms: the sender waits for minutes (RFC 5321, section 4.5.3.2.6), a shutdown does not. */
const HANDLE_MS_MAX = 10_000;
/** A mail is a report on one attempt. Further recipients are answered 452, and the sender brings the mail again for each. */
const RECIPIENTS_MAX = 1;
/** Unknown recipients on a connection; then it is closed. */
const UNKNOWN_MAX = 20;

/** Why a connection, a recipient or a mail was rejected. */
export type LmtpRejection = "connections" | "recipient" | "size" | "timeout";

export interface ArrivedMail {
  /** Of the envelope; empty: the null sender. */
  sender: string;
  recipient: string;
  message: Buffer;
}

export interface LmtpParts {
  host: string;
  port: number;
  /** Whether mails to it are taken; others are answered 550 before there is a message. */
  accepts(address: string): boolean;
  /** Whether the mail is durably dealt with, and answered 250; otherwise it is answered 451, and the sender repeats it. */
  take(mail: ArrivedMail): Promise<boolean>;
  log: Logger;
  onRejected(reason: LmtpRejection, peer: string): void;
}

export interface LmtpServer extends AsyncDisposable {
  port: number;
}

/** Takes mails for few addresses from a mail server beside it (RFC 2033), without authentication, encryption or relaying. Rejects if it cannot listen. */
export async function startLmtpServer({ host, port, accepts, take, log, onRejected }: LmtpParts): Promise<LmtpServer> {
  const sockets = new Set<Socket>();
  const underWay = new Set<Promise<void>>();
  const unknown = new WeakMap<SMTPServerSession, number>();
  let closing = false;

  const server = new SMTPServer({
    ...{ lmtp: true, name: "carillon", logger: false, disableReverseLookup: true, disabledCommands: ["AUTH", "STARTTLS"] },
    ...{ maxClients: CONNECTIONS_MAX, maxCommandLength: COMMAND_BYTES_MAX, maxRecipients: RECIPIENTS_MAX },
    ...{ size: MESSAGE_BYTES_MAX, rejectOversized: true, socketTimeout: SILENT_MS_MAX },
    onRcptTo({ address }, session, done) {
      if (closing) return done(reply(421, "4.3.2 shutting down"));
      if (accepts(address)) return done();
      onRejected("recipient", session.remoteAddress);
      const count = (unknown.get(session) ?? 0) + 1;
      unknown.set(session, count);
      done(count >= UNKNOWN_MAX ? reply(421, "4.7.0 too many unknown recipients") : reply(550, "5.1.1 no such address"));
    },
    onData(stream, session, done) {
      const work = answerTo(stream, session).then((answer) => done(answer));
      underWay.add(work);
      void work.finally(() => underWay.delete(work));
    },
  });

  /** Resolves with the error to answer. Never rejects. */
  async function answerTo(stream: SMTPServerDataStream, { envelope, remoteAddress }: SMTPServerSession): Promise<Error | null> {
    const message = await messageIn(stream);
    if (message === undefined) {
      if (stream.sizeExceeded) onRejected("size", remoteAddress);
      return reply(552, "5.3.4 the message is too large");
    }
    const { mailFrom, rcptTo } = envelope;
    const mail = { sender: mailFrom === false ? "" : mailFrom.address, recipient: rcptTo[0]?.address ?? "", message };
    try {
      const isTaken = await withDeadline(take(mail), { limitMs: HANDLE_MS_MAX }, () => false);
      return isTaken ? null : reply(451, "4.3.0 try again later");
    } catch (error) {
      log.error({ err: error }, "a mail could not be handled");
      return reply(451, "4.3.0 try again later");
    }
  }

  // Clients that leave or talk nonsense are expected; the library answers them.
  server.on("error", () => undefined);
  server.server.maxConnections = CONNECTIONS_MAX + BURST;
  server.server.on("connection", (socket: Socket) => {
    const peer = socket.remoteAddress ?? "unknown";
    if (sockets.size >= CONNECTIONS_MAX) onRejected("connections", peer);
    sockets.add(socket);
    const timer = setTimeout(() => {
      onRejected("timeout", peer);
      socket.destroy();
    }, CONNECTION_MS_MAX).unref();
    socket.on("error", () => undefined);
    socket.once("close", () => {
      clearTimeout(timer);
      sockets.delete(socket);
    });
  });
  server.server.on("drop", (dropped) => onRejected("connections", dropped?.remoteAddress ?? "unknown"));
  server.listen(port, host);
  await once(server.server, "listening");
  return {
    port: (server.server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      closing = true;
      const closed = once(server.server, "close");
      server.server.close();
      await withDeadline(Promise.all(underWay), { limitMs: HANDLE_MS_MAX }, () => []);
      for (const socket of sockets) socket.destroySoon();
      await closed;
    },
  };
}

/** Undefined where it is too large, of which nothing is kept, or where the client left. */
async function messageIn(stream: SMTPServerDataStream): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) {
      if (stream.sizeExceeded) chunks.length = 0;
      else chunks.push(chunk as Buffer);
    }
  } catch {
    return undefined;
  }
  return stream.sizeExceeded ? undefined : Buffer.concat(chunks);
}

const reply = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode });
