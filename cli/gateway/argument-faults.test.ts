import assert from "node:assert/strict";
import { test } from "node:test";
import { UsageError } from "../command.ts";
import { CANCEL_COMMANDS } from "../notifications/cancel.ts";
import { FIND_COMMANDS } from "../notifications/find.ts";
import { readArguments } from "../read-arguments.ts";
import { argumentFault } from "./argument-faults.ts";
import { GATEWAY_COMMANDS } from "./command.ts";
import { USER_COMMANDS } from "./user.ts";

const COMMANDS = { ...GATEWAY_COMMANDS, ...USER_COMMANDS, ...FIND_COMMANDS, ...CANCEL_COMMANDS };
const MAIL = ["--to", "email:ada@example.com", "--subject", "Hello", "--text", "It works."];

/** A command with its arguments, and all that is said of them: nothing is connected to for that. */
const MISTAKES: readonly (readonly [command: string, args: readonly string[], says: RegExp])[] = [
  ["send", [...MAIL, "--class", "foo"], /^--class must be one of critical, transactional, marketing$/],
  [
    "send",
    ["--to", "sms:123", "--text", "x"],
    /^--to: what follows sms: must be like \+4915112345678: a plus, and 7 to 15 digits of which/,
  ],
  ["send", ["--to", "email:ada", "--subject", "x", "--text", "x"], /^--to: what follows email: must be one e-mail address, with an @$/],
  ["send", ["--to", "apns:zz", "--text", "x"], /^--to: what follows apns: must be 8 to 200 hex digits$/],
  ["send", ["--to", "fcm:?", "--text", "x"], /^--to: what follows fcm: must be 8 to 4096 letters, digits and _ : \. -$/],
  [
    "send",
    ["--to", "user:Ann Lee", "--subject", "x", "--text", "x"],
    /^--to: what follows user: must be 1 to 128 visible ASCII characters/,
  ],
  ["send", [...MAIL, "--category", "Not This"], /^--category must be 1 to 64 of a-z, 0-9, \. _ and -, and begin with a letter or digit$/],
  ["send", [...MAIL, "--key", ""], /^--key must be 1 to 128 visible ASCII characters, without spaces$/],
  ["send", ["--to", "email:ada@example.com", "--subject", "", "--text", "x"], /^--subject must have 1 to 998 characters, in one line$/],
  ["send", ["--to", "sms:+4915112345678", "--text", "x".repeat(1_601)], /^--text must be at most 1600 characters$/],
  ["get", ["foo"], /^NOTIFICATION_ID must be 32 hex digits$/],
  ["user export", ["Ann Lee"], /^USER_ID must be 1 to 128 visible ASCII characters, without spaces$/],
  ["find", ["--endpoint", "sms:123"], /^--endpoint: what follows sms: must be like \+4915112345678/],
  ["find", ["--state", "foo"], /^--state must be one of pending, /],
  ["find", ["--tag", "foo"], /^--tag must be like order=7731: /],
  ["find", ["--category", "Not This"], /^--category must be 1 to 64 of/],
  ["find", ["--user", ""], /^--user is empty: leave it out, or give it a value$/],
  ["find", ["--since", "1h", "--until", "2h"], /^--since must be before --until: there is nothing between them$/],
  ["cancel", ["--cancel-key", "visit", "--user", ""], /^--user is empty/],
  ["cancel", ["--key", "a b"], /^--key must be 1 to 128 visible ASCII characters/],
];
for (const [name, args, says] of MISTAKES)
  test(`carillon ${name} ${args.join(" ").slice(0, 60)}: a wrong argument is a mistake of the command line, in words`, async () => {
    const command = COMMANDS[name]!;
    await assert.rejects(
      async () => command.run({ ...readArguments(command, args), env: {} }),
      (error) => {
        assert.ok(error instanceof UsageError, String(error));
        assert.match(error.message, says);
        return true;
      },
    );
  });

test("what only the gateway finds is said of the option that it is about", () => {
  const fields = [
    { field: "notifications[0].recipient.user", description: "must have an endpoint" },
    { field: "notifications[0].content.sms.text", description: "must be at most 10 segments" },
  ];
  assert.equal(argumentFault(fields, { text: "--text" }), "--text must be at most 10 segments");
  assert.equal(argumentFault(fields, { constructor_: "--x" }), undefined);
});
