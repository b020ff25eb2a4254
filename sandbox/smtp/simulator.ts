import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { SMTPServer, type SMTPServerSession } from "smtp-server";
import { localPart } from "../kit/address.ts";
import type { ServerCertificate } from "../kit/certificate.ts";
import { isReturnPath, isVerifiedSender } from "../kit/email-sender.ts";
import type { FaultAction } from "../kit/faults.ts";
import type { HandlerParts } from "../kit/handler.ts";
import type { Listener, WantedPort } from "../kit/listener.ts";
import { sameSecret } from "../kit/read.ts";
import type { RelayedMail } from "./bounces.ts";
import { readMail } from "./message.ts";

/** Faults can be ordered for each stage; those of "smtp" itself apply at the dot that ends a message. */
export const SMTP_STAGES = ["smtp-connect", "smtp-ehlo", "smtp-starttls", "smtp-auth", "smtp-mail", "smtp-rcpt", "smtp-body"] as const;
type Stage = (typeof SMTP_STAGES)[number];

export interface SmtpAccount {
  user: string;
  password: string;
  accessToken: string;
}

type SmtpParts = Omit<HandlerParts, "simulator"> & {
  account: SmtpAccount;
  certificate: ServerCertificate;
  /** Reports on what was accepted. */
  report(mail: RelayedMail): void;
};
type Done = (error: Error | null) => void;

/** Longer messages are answered 552. */
const MESSAGE_BYTES_MAX = 10_485_760;

/** A relay for submission: STARTTLS, then AUTH, one sender, addresses that select an answer. Disposal destroys every connection. */
export async function listenSmtp(wanted: WantedPort, parts: SmtpParts): Promise<Listener> {
  const { account, certificate, faults, closing } = parts;
  const sockets = new Map<number, Socket>();
  const cut = (session: SMTPServerSession) => sockets.get(session.remotePort)?.destroy();

  /** Applies the fault ordered for a stage: calls `done` with the ordered reply, or `goOn` where none is ordered. */
  function atStage(stage: Stage, session: SMTPServerSession, done: Done, goOn: () => void): void {
    const fault = faults.take(stage, "", "");
    void carryOut(fault, () => cut(session), closing, done, goOn);
  }

  const server = new SMTPServer({
    ...certificate,
    name: "sandbox",
    size: MESSAGE_BYTES_MAX,
    authMethods: ["PLAIN", "LOGIN", "XOAUTH2"],
    disableReverseLookup: true,
    hideDSN: false,
    logger: false,
    onConnect(session, done) {
      if (faults.take("smtp-starttls", "", "") !== undefined) session.disabledCommands = ["STARTTLS"];
      if (faults.take("smtp-ehlo", "", "") !== undefined) sockets.get(session.remotePort)?.once("data", () => cut(session));
      atStage("smtp-connect", session, done, () => done());
    },
    onAuth(auth, session, done) {
      const known =
        auth.method === "XOAUTH2"
          ? sameSecret(auth.accessToken ?? "", account.accessToken)
          : sameSecret(auth.password ?? "", account.password);
      const answer = () => {
        if (known && auth.username === account.user) return done(null, { user: account.user });
        if (auth.method === "XOAUTH2") return done(null, { data: { status: "401", schemes: "bearer", scope: "mail" } });
        return done(reply(535, "5.7.8 authentication credentials invalid"));
      };
      atStage("smtp-auth", session, (error) => (error ? done(error) : answer()), answer);
    },
    onMailFrom({ address }, session, done) {
      const answer = () =>
        done(isVerifiedSender(address) || isReturnPath(address) ? null : reply(553, "5.7.1 sender is not owned by the user"));
      atStage("smtp-mail", session, done, answer);
    },
    onRcptTo({ address }, session, done) {
      atStage("smtp-rcpt", session, done, () => done(rejectionOf(address)));
    },
    onData(stream, session, done) {
      const fault = faults.take("smtp-body", "", "");
      if (fault !== undefined) {
        // Met while the message is under way: the dot is never read.
        stream.once(
          "data",
          () =>
            void carryOut(
              fault,
              () => cut(session),
              closing,
              done,
              () => undefined,
            ),
        );
        stream.on("error", () => undefined);
        return;
      }
      buffer(stream).then(
        (message) => void takeMessage(parts, message, session, () => cut(session), done),
        () => undefined, // the client went away
      );
    },
  });
  server.on("error", () => undefined); // handshakes that fail and clients that leave are what senders are tested with
  server.server.on("connection", (socket: Socket) => {
    const { remotePort = 0 } = socket;
    sockets.set(remotePort, socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(remotePort));
  });
  await bind(server.server, wanted);
  const { port } = server.server.address() as AddressInfo;
  return {
    port,
    origin: `smtp://${wanted.name}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(resolve));
      for (const socket of sockets.values()) socket.destroy();
      await closed;
    },
  };
}

/** Reads a message, applies an ordered fault, adds it to the ledger, answers: as for the providers over HTTP. */
async function takeMessage(
  { provider, ledger, faults, receipts, now, closing, report }: SmtpParts,
  message: Buffer,
  session: SMTPServerSession,
  cut: () => void,
  done: (error: Error | null, text?: string) => void,
): Promise<void> {
  const { mailFrom, rcptTo, smtpUtf8, bodyType, dsn } = session.envelope;
  const raw = message.toString("utf8");
  const mail = await readMail(message, { utf8: smtpUtf8 === true, eightBit: bodyType === "8bitmime" });
  const headers = headersOf(raw);
  const recipient = rcptTo[0]?.address ?? "";
  const sender = mailFrom === false ? "" : mailFrom.address;
  const asked = { ret: dsn?.ret ?? undefined, envid: dsn?.envid ?? undefined, ...rcptTo[0]?.dsn };
  const deliveryId = headers["x-carillon-delivery"] ?? "";
  const attemptId = headers["x-carillon-attempt"] ?? "";
  const ordering = faults.takeUse(provider, recipient, deliveryId);
  const fault = ordering?.action;
  const mistake = "mistake" in mail ? mail.mistake : undefined;
  const isAccepted = fault?.kind === "answer" ? fault.status < 300 : fault?.kind !== "cut-before" && mistake === undefined;
  const queueId = `SB${now().toString(36)}${Math.random().toString(36).slice(2, 8)}`.toUpperCase();
  const judged = mistake === undefined ? "250" : `554 ${mistake}`;
  ledger.add({
    provider,
    deliveryId,
    attemptId,
    recipient,
    accepted: isAccepted,
    answer: fault === undefined ? judged : fault.kind === "answer" ? `${fault.status} ordered` : fault.kind,
    receivedAt: now(),
    payload: {
      mailFrom: sender,
      rcptTo: recipient,
      isSecure: session.secure,
      smtpUtf8,
      dsn: asked,
      mail: mistake === undefined ? mail : undefined,
      raw,
    },
    headers,
    bytes: message.length,
    ...(ordering === undefined ? {} : { fault: ordering }),
  });
  const told: RelayedMail["told"] = (kind, reason, taken) => receipts.add({ attemptId, kind, reason, at: now(), taken });
  if (isAccepted) report({ sender, recipient, envid: asked.envid, notify: asked.notify, head: headOf(raw), told });
  const accept = () => (mistake === undefined ? done(null, `2.0.0 Ok: queued as ${queueId}`) : done(reply(554, `5.6.0 ${mistake}`)));
  await carryOut(fault, cut, closing, done, accept);
}

async function carryOut(fault: FaultAction | undefined, cut: () => void, closing: AbortSignal, done: Done, goOn: () => void) {
  switch (fault?.kind) {
    case "answer":
      return fault.status < 300 ? goOn() : done(reply(fault.status, typeof fault.body === "string" ? fault.body : "ordered"));
    case "delay":
      await delay(fault.ms, undefined, { signal: closing }).catch(() => undefined);
      return goOn();
    case "no-answer":
      return;
    case "cut-before":
    case "cut-after":
    case "goaway":
      return cut();
    default:
      return goOn();
  }
}

const reply = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode });

/** Addresses that select an answer; see README.md. */
function rejectionOf(address: string): Error | undefined {
  const local = localPart(address);
  if (local.startsWith("reject")) return reply(550, "5.1.1 mailbox unknown");
  if (local.startsWith("full")) return reply(452, "4.2.2 mailbox full");
  return undefined;
}

const headOf = (raw: string) => raw.slice(0, `${raw}\r\n\r\n`.indexOf("\r\n\r\n"));

/** Unfolded, by lower-case name; the last of repeated ones. */
function headersOf(raw: string): Record<string, string> {
  return Object.fromEntries(
    headOf(raw)
      .replace(/\r\n[ \t]+/g, " ")
      .split("\r\n")
      .map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
  );
}

async function bind(server: Server, { port, orAny, host }: WantedPort): Promise<void> {
  const listen = async (wanted: number) => {
    server.listen(wanted, host);
    await once(server, "listening");
  };
  await listen(port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE" || !orAny) throw error;
    return listen(0);
  });
}
