import assert from "node:assert/strict";
import { test } from "node:test";
import { orderFault } from "../../operations/steering/audit-log.ts";
import { sessionOf } from "./claims.ts";

const config = {
  ...{ CONSOLE_NAME_CLAIM: "email", CONSOLE_ROLE_CLAIM: "https://example.com/roles" },
  ...{ CONSOLE_VIEWERS: ["staff"], CONSOLE_SUPPORT: ["help"], CONSOLE_OPERATORS: ["sre"] },
};
const NAMES: readonly [what: string, claims: Record<string, unknown>, name: string][] = [
  ["a verified address", { email: "ada@example.com", email_verified: true }, "ada@example.com"],
  ["an address of a provider that does not say", { email: "ada@example.com" }, "ada@example.com"],
  ["an address that anybody may claim", { email: "ceo@example.com", email_verified: false }, "u1"],
  ["an address that anybody may claim, of a provider that writes texts", { email: "ceo@example.com", email_verified: "false" }, "u1"],
  ["a verified address of a provider that writes texts", { email: "ada@example.com", email_verified: "true" }, "ada@example.com"],
  ["none", {}, "u1"],
  ["hidden characters alone", { email: "\u200b\u00ad" }, "u1"],
  ["blanks", { email: "  " }, "u1"],
  ["no text", { email: ["ada"] }, "u1"],
  ["a text with lines and hidden characters", { email: "ada\n\u202eecho\u200b x" }, "ada echo x"],
  ["a long text", { email: "a".repeat(5_000) }, "a".repeat(100)],
];
for (const [what, claims, name] of NAMES)
  test(`a person is named by ${what}`, () => {
    assert.deepEqual(sessionOf({ sub: "u1", "https://example.com/roles": ["x", "help"], ...claims }, config), { name, role: "support" });
    assert.equal(orderFault({ actor: name, reason: "r" }), undefined, "the log of actions takes the name");
  });
