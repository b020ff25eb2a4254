import assert from "node:assert/strict";
import { test } from "node:test";
import { outcomeText } from "../../test/support/outcome-text.ts";
import { testReadmeTable } from "../../test/support/readme-table.ts";
import { classifyFailure, classifyReply, providerRefOf, SMTP_CODES } from "./classify.ts";

const failure = (response: string, command: string, dotWritten = false) =>
  classifyFailure({ error: { response, command, code: "EENVELOPE" }, dotWritten });

const replies: [response: string, command: string, expected: string][] = [
  ["550 5.1.1 <ann@example.org>: unknown", "RCPT TO", "endpoint-gone mailbox-unknown"],
  ["550-5.1.1 first line\n550 5.1.1 last line", "RCPT TO", "endpoint-gone mailbox-unknown"],
  ["550 unknown", "RCPT TO", "rejected smtp-550"],
  ["550 5.1.100 unknown", "RCPT TO", "rejected smtp-550"],
  ["550 5.1.1.1 is no code", "RCPT TO", "rejected smtp-550"],
  ["599 5.9.9 new", "RCPT TO", "rejected smtp-599"],
  ["499 new", "RCPT TO", "unavailable smtp-499 (endpoint)"],
  ["421 4.7.28 too fast", "RCPT TO", "throttled too-fast"],
  ["421 closing", "RCPT TO", "unavailable smtp-421"],
  ["554 5.7.1 relay access denied", "RCPT TO", "rejected not-authorized"],
  ["550 5.1.1 who are you", "MAIL FROM", "misconfigured mailbox-unknown (sender)"],
  ["552 5.3.4 too big", "MAIL FROM", "rejected too-large"],
  ["535 5.7.8 no", "AUTH PLAIN", "misconfigured authentication"],
  ["502 5.5.1 what", "STARTTLS", "misconfigured starttls-not-offered"],
  ["454 4.7.0 later", "STARTTLS", "throttled policy"],
];
for (const [response, command, expected] of replies)
  test(`${JSON.stringify(response)} to ${command} is ${expected}`, () => {
    const outcome = failure(response, command);
    assert.equal(outcomeText(outcome), expected);
  });

test("a negative reply to the final dot means that nothing was accepted", () => {
  assert.deepEqual(failure("451 4.3.0 later", "DATA", true), { kind: "unavailable", fault: { code: "relay-unwell" } });
});

test("a missing access token is misconfigured, unless the connection to its server broke", () => {
  const token = (syscall?: string) => classifyFailure({ error: { code: "EAUTH", command: "AUTH XOAUTH2", syscall }, dotWritten: false });
  assert.deepEqual(token(), { kind: "misconfigured", reason: "oauth2-token" });
  assert.deepEqual(token("connect"), { kind: "unavailable", fault: { code: "oauth2-unreachable" } });
});

const taken: [reply: string, expected: string | undefined][] = [
  ["250 2.0.0 Ok: queued as 4X1abcDEFz", "4X1abcDEFz"],
  ["250 OK id=1rGxyz-0001Ab-2C", "1rGxyz-0001Ab-2C"],
  ["250 2.0.0 3A1b2C3d012345 Message accepted for delivery", "3A1b2C3d012345"],
  ["250 Ok 0100018b5c3c0a4f-7d1c-000000", "0100018b5c3c0a4f-7d1c-000000"],
  ["250 thanks", undefined],
];
for (const [reply, expected] of taken)
  test(`the queue's id in ${JSON.stringify(reply)}`, () => {
    assert.equal(providerRefOf({ reply, serverMessageId: undefined }), expected);
  });

testReadmeTable({
  readme: new URL("README.md", import.meta.url),
  provider: "SMTP",
  codes: SMTP_CODES,
  outcomesOf(code) {
    const [first = "", second] = code.split(" ");
    const enhanced = second ?? (first.includes(".") ? first : undefined);
    const basic = first.includes(".") ? Number(`${first[0]}99`) : Number(first);
    return [classifyReply({ code: basic, enhanced, isBeforeRecipient: false })];
  },
});
