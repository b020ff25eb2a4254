import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../test/support/eventually.ts";
import { bringMail, connectLmtp, type LmtpClient } from "../../test/support/lmtp-client.ts";
import { createLogger } from "../logger.ts";
import { type ArrivedMail, type LmtpParts, startLmtpServer } from "./server.ts";

async function serve(take: LmtpParts["take"] = async () => true) {
  const [taken, rejected, lines]: [ArrivedMail[], string[], string[]] = [[], [], []];
  const server = await startLmtpServer({
    ...{ host: "127.0.0.1", port: 0, accepts: (address) => address === "b@example.org" },
    log: createLogger("test", "debug", { write: (line) => lines.push(line) }),
    onRejected: (reason) => void rejected.push(reason),
    take(mail) {
      taken.push(mail);
      return take(mail);
    },
  });
  const address = `127.0.0.1:${server.port}`;
  return { ...{ server, address, taken, rejected, lines }, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const MAIL = Buffer.from("Subject: no\r\n\r\n..dotted\r\n");

test("a mail for an address of ours is answered 250 once it is dealt with", async () => {
  await using lmtp = await serve();
  assert.match((await bringMail(lmtp.address, "b@example.org", MAIL)) ?? "", /^250 /);
  assert.deepEqual(
    lmtp.taken.map(({ message, ...mail }) => ({ ...mail, text: message.toString() })),
    [{ sender: "", recipient: "b@example.org", text: "Subject: no\r\n\r\n.dotted\r\n\r\n" }],
  );
});

test("other recipients are answered 550 before there is a message, and after twenty the connection ends", async () => {
  await using lmtp = await serve();
  await using client = await connectLmtp(lmtp.address);
  await client.ask("LHLO mx.example.org");
  await client.ask("MAIL FROM:<ada@example.com>");
  for (let count = 1; count < 20; count++) assert.match((await client.ask(`RCPT TO:<${count}@example.com>`)) ?? "", /^550 5\.1\.1 /);
  assert.match((await client.ask("DATA")) ?? "", /^503 /);
  assert.match((await client.ask("RCPT TO:<c@example.org>")) ?? "", /^421 /);
  assert.equal(await client.reply(), undefined);
  assert.deepEqual([lmtp.taken, new Set(lmtp.rejected)], [[], new Set(["recipient"])]);
});

test("one mail is for one recipient", async () => {
  await using lmtp = await serve();
  await using client = await connectLmtp(lmtp.address);
  for (const line of ["LHLO a", "MAIL FROM:<>", "RCPT TO:<b@example.org>"]) assert.match((await client.ask(line)) ?? "", /^250 /);
  assert.match((await client.ask("RCPT TO:<c@example.org>")) ?? "", /^452 /);
});

test("a mail that is too large is answered 552, announced or not, and nothing is done with it", async () => {
  await using lmtp = await serve();
  await using client = await connectLmtp(lmtp.address);
  await client.ask("LHLO mx.example.org");
  assert.match((await client.ask("MAIL FROM:<> SIZE=262145")) ?? "", /^552 /);
  const line = `${"x".repeat(998)}\r\n`;
  assert.match((await bringMail(lmtp.address, "b@example.org", Buffer.from(line.repeat(262)))) ?? "", /^250 /);
  assert.match((await bringMail(lmtp.address, "b@example.org", Buffer.from(line.repeat(263)))) ?? "", /^552 /);
  assert.deepEqual([lmtp.taken.length, lmtp.rejected], [1, ["size"]]);
});

test("what cannot be dealt with now is answered 451, and a bug too, which is logged", async () => {
  await using later = await serve(async () => false);
  assert.match((await bringMail(later.address, "b@example.org", MAIL)) ?? "", /^451 4\.3\.0 /);
  await using broken = await serve(async () => assert.fail("a bug"));
  assert.match((await bringMail(broken.address, "b@example.org", MAIL)) ?? "", /^451 /);
  assert.deepEqual([later.lines.length, broken.lines.length], [0, 1]);
});

test("there are no more than 64 connections, and room again when one is closed", async () => {
  await using lmtp = await serve();
  const clients: LmtpClient[] = await Promise.all(Array.from({ length: 64 }, () => connectLmtp(lmtp.address)));
  try {
    await using further = await connectLmtp(lmtp.address);
    assert.match(further.greeting ?? "", /^421 /);
    await clients.pop()?.[Symbol.asyncDispose]();
    await eventually("there is room again", async () => {
      await using again = await connectLmtp(lmtp.address);
      return /^220 /.test(again.greeting ?? "");
    });
  } finally {
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  }
  assert.ok(lmtp.rejected.includes("connections"));
});

test("a command line without an end closes the connection", async () => {
  await using lmtp = await serve();
  await using client = await connectLmtp(lmtp.address);
  client.socket.write("x".repeat(4_096));
  for (let line = await client.reply(); line !== undefined; line = await client.reply()) assert.match(line, /^[45]/);
});

test("at shutdown a mail under way is finished and answered, and nothing else begins", async () => {
  const { promise: written, resolve: write } = Promise.withResolvers<boolean>();
  const lmtp = await serve(() => written);
  await using idle = await connectLmtp(lmtp.address);
  const reply = bringMail(lmtp.address, "b@example.org", MAIL);
  await eventually("the mail is under way", () => lmtp.taken.length === 1);
  const closed = lmtp[Symbol.asyncDispose]();
  await idle.ask("LHLO a");
  await idle.ask("MAIL FROM:<>");
  assert.match((await idle.ask("RCPT TO:<b@example.org>")) ?? "", /^421 /);
  write(true);
  assert.match((await reply) ?? "", /^250 /);
  await closed;
});
