import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";

/** A bare client that says what a test tells it to. */
export interface LmtpClient extends AsyncDisposable {
  socket: Socket;
  /** The last line of the next reply: "250 OK"; undefined where the connection ended before. */
  reply(): Promise<string | undefined>;
  /** Sends a line, and returns its reply. */
  ask(line: string): Promise<string | undefined>;
}

/** Greeted, but not introduced. @param address host:port */
export async function connectLmtp(address: string): Promise<LmtpClient & { greeting: string | undefined }> {
  const [host = "", port = ""] = address.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => undefined);
  const reading = createInterface({ input: socket });
  socket.once("close", () => reading.close());
  const lines = reading[Symbol.asyncIterator]();
  const reply = async () => {
    for (let next = await lines.next(); !next.done; next = await lines.next()) if (/^\d{3} /.test(next.value)) return next.value;
    return undefined;
  };
  const client: LmtpClient = {
    socket,
    reply,
    ask(line) {
      socket.write(`${line}\r\n`);
      return reply();
    },
    async [Symbol.asyncDispose]() {
      if (socket.closed) return;
      const closed = once(socket, "close");
      socket.destroy();
      await closed;
    },
  };
  return { ...client, greeting: await reply() };
}

/** Brings one mail from the null sender over a connection of its own. Returns the reply that ended it. */
export async function bringMail(address: string, recipient: string, message: Buffer): Promise<string | undefined> {
  await using client = await connectLmtp(address);
  for (const line of ["LHLO mx.example.org", "MAIL FROM:<>", `RCPT TO:<${recipient}>`, "DATA"]) {
    const reply = await client.ask(line);
    if (!/^[23]/.test(reply ?? "")) return reply;
  }
  client.socket.write(Buffer.concat([message, Buffer.from("\r\n.\r\n")]));
  return await client.reply();
}
