import { parseNumber } from "../capacity/options.ts";
import { type Command, fail, text } from "../command.ts";
import { memoryReport } from "./memory-report.ts";

/** More people than there are; a higher number is a mistake. */
const USERS_MAX = 1e10;

/** "8%", as a share. */
function percent(given: string | undefined, name: string): number {
  const [, digits = ""] = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(given ?? "") ?? [];
  const share = digits === "" ? Number.NaN : Number(digits) / 100;
  return share <= 1 ? share : fail(`${name} must be a percentage from 0% to 100%: 8%`);
}

export const MEMORY_COMMANDS: Readonly<Record<string, Command>> = {
  "preferences memory": {
    about: "predicts how much of Redis opt-outs and consents take, and when to raise Redis' set-max-intset-entries; connects to nothing",
    usage: "--users 100M --opt-out 8% [--choices N] [--consents N] [--blocks N]",
    options: {
      users: { type: "string" },
      "opt-out": { type: "string" },
      choices: { type: "string" },
      consents: { type: "string" },
      blocks: { type: "string" },
    },
    async run({ values }) {
      const users = parseNumber(text(values.users) ?? fail("--users is missing: --users 100M"), "--users", USERS_MAX);
      const optedOut = percent(text(values["opt-out"]) ?? fail("--opt-out is missing: --opt-out 8%"), "--opt-out");
      const choices = parseNumber(text(values.choices) ?? "1", "--choices", 1_000, 1);
      const consents = parseNumber(text(values.consents) ?? "0", "--consents", USERS_MAX);
      const blocks = parseNumber(text(values.blocks) ?? "0", "--blocks", USERS_MAX);
      process.stdout.write(`${memoryReport({ users, optedOut, choices, consents, blocks })}\n`);
      return 0;
    },
  },
};
