import { Readable } from "node:stream";
import SMTPConnection, { type SMTPConnectionAuth, type SMTPConnectionOptions } from "nodemailer/lib/smtp-connection";
import type { Envelope } from "./payload.ts";

/** How long the answer to QUIT is waited for, in ms: the message is answered already, and some servers never answer. */
const QUIT_MS = 2_000;

export interface Mail {
  envelope: Envelope;
  message: Readable;
  needsUtf8: boolean;
}

/** The result of one connection with one message. */
export type Submitted = Submission & {
  /** Resolves when the connection is closed; at the latest QUIT_MS after the message. Never rejects. */
  closed: Promise<void>;
};
type Submission =
  | { kind: "accepted"; reply: string; serverMessageId: string | undefined }
  /** The server does not offer SMTPUTF8, which the address needs. */
  | { kind: "not-utf8" }
  /** @property dotWritten whether the dot that ends the message may have been written; before it the server accepts nothing (RFC 5321, section 4.1.1.4) */
  | { kind: "failed"; error: unknown; dotWritten: boolean };

export interface Submitting {
  options: SMTPConnectionOptions;
  auth: SMTPConnectionAuth | undefined;
  /** Connections that are open. */
  open: Set<SMTPConnection>;
}

/**
 * One connection, one message, no retry. Never rejects; resolves at once when `signal` aborts, and nothing is written afterwards.
 *
 * SMTPConnection's errors do not show whether the final dot had been written: a reset has the command "CONN" at every stage. It pipes the message
 * through a stream that writes the dot when the message ends, so the message's own "end" is what decides; our listener comes before the pipe's.
 */
export async function submit({ options, auth, open }: Submitting, mail: Mail, signal: AbortSignal): Promise<Submitted> {
  let dotWritten = false;
  mail.message.once("end", () => {
    dotWritten = true;
  });
  const connection = new SMTPConnection(options);
  open.add(connection);
  const { promise: closed, resolve: reportClosed } = Promise.withResolvers<void>();
  connection.once("end", () => {
    open.delete(connection);
    reportClosed();
  });
  const { promise: broken, reject: breakOff } = Promise.withResolvers<never>();
  broken.catch(() => undefined);
  // Of several errors the first counts, and an emitter without a listener would throw.
  connection.on("error", breakOff);
  const leave = () => breakOff(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    signal.throwIfAborted();
    await Promise.race([broken, connect(connection)]);
    if (mail.needsUtf8 && !offersUtf8(connection.lastServerResponse)) return { kind: "not-utf8", closed };
    if (auth !== undefined) await Promise.race([broken, logIn(connection, auth)]);
    const { response, serverMessageId } = await Promise.race([broken, send(connection, mail)]);
    quit(connection);
    return { kind: "accepted", reply: response, serverMessageId, closed };
  } catch (error) {
    return { kind: "failed", error, dotWritten, closed };
  } finally {
    signal.removeEventListener("abort", leave);
    if (!connection.destroyed && !quitting.has(connection)) close(connection, open);
    // A connection that never came up may end without the event.
    if (!quitting.has(connection)) reportClosed();
  }
}

/** Closes at once; an unfinished message loses its source, so that its dot is never written. */
export function close(connection: SMTPConnection, open: Set<SMTPConnection>): void {
  connection.close();
  open.delete(connection);
}

/** Right after connecting, the last reply is the one to EHLO. */
const offersUtf8 = (ehlo: string | false) => ehlo !== false && /^250[ -]SMTPUTF8\b/im.test(ehlo);

const connect = (connection: SMTPConnection) =>
  new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())));

const logIn = (connection: SMTPConnection, auth: SMTPConnectionAuth) =>
  new Promise<void>((resolve, reject) => connection.login({ ...auth }, (error) => (error ? reject(error) : resolve())));

const send = (connection: SMTPConnection, { envelope, message }: Mail) =>
  new Promise<{ response: string; serverMessageId?: string | undefined }>((resolve, reject) =>
    connection.send(envelope, message, (error, info) => (error ? reject(error) : resolve(info))),
  );

const quitting = new WeakSet<SMTPConnection>();

function quit(connection: SMTPConnection): void {
  quitting.add(connection);
  connection.quit();
  const timer = setTimeout(() => connection.close(), QUIT_MS);
  timer.unref();
  connection.once("end", () => clearTimeout(timer));
}

/** @param begin asked when the server waits for the message; where it says no, nothing of it comes, and the caller closes the connection */
export const messageStream = (message: Buffer, begin: () => unknown = () => true): Readable =>
  new Readable({
    read() {
      if (begin() !== true) return;
      this.push(message);
      this.push(null);
    },
  });
