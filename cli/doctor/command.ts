import { readFile, stat } from "node:fs/promises";
import { type Command, fail } from "../command.ts";

/** Providers take mails of 25 to 40 MB, before they are written in base64 (bytes). */
const FILE_BYTES_MAX = 64 * 1_048_576;

export const DOCTOR_COMMANDS: Readonly<Record<string, Command>> = {
  "doctor email": {
    about:
      "checks one-click unsubscribe in a mail that was received: its headers, and that a valid DKIM signature covers them; exit status 1 if anything is wrong",
    usage: "FILE.eml",
    options: {},
    async run({ positionals: [file] }) {
      if (file === undefined) fail("give one FILE.eml: a received mail as the mail program saves it, with all its headers");
      const unreadable = ({ code }: NodeJS.ErrnoException) => fail(`${file} cannot be read (${code})`);
      const { size } = await stat(file).catch(unreadable);
      if (size > FILE_BYTES_MAX) fail(`${file} has ${size} bytes; at most ${FILE_BYTES_MAX} are read`);
      const message = await readFile(file).catch(unreadable);
      const { resolve } = await import("node:dns/promises");
      const { runDoctorEmail } = await import("./email.ts");
      return runDoctorEmail(message, {
        resolver: async (name, type) => (await resolve(name, type)) as string[][],
        print: (text) => void process.stdout.write(`${text}\n`),
      });
    },
  },
};
