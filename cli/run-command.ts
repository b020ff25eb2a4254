import type { Environment } from "../runtime/config.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import { startFault } from "../runtime/until-signal.ts";
import { UsageError } from "./command.ts";
import { loadCommand } from "./commands.ts";
import { EXIT } from "./exit-status.ts";
import { commandHelp } from "./help.ts";
import { readArguments } from "./read-arguments.ts";

/** Reads the arguments and runs the command. Resolves to its exit status; what is wrong goes to standard error, without a stack. */
export async function runCommand(name: string, args: readonly string[], env: Environment): Promise<number> {
  const command = await loadCommand(name);
  try {
    const given = readArguments(command, args);
    if (given.values.help === true) {
      process.stdout.write(commandHelp(name, command));
      return EXIT.ok;
    }
    return await command.run({ ...given, env });
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`carillon ${name}: ${error.message}\nusage: carillon ${name} ${command.usage}\n`);
      return EXIT.usage;
    }
    process.stderr.write(`${faultText(name, error, env)}\n`);
    return EXIT.failed;
  }
}

/** The stack trace of a defect is printed only where CARILLON_DEBUG asks for it. */
function faultText(name: string, error: unknown, env: Environment): string {
  const text = startFault(error);
  if (error instanceof OperatorError || env.CARILLON_DEBUG || !text.includes("\n    at ")) return text;
  const [first] = (error instanceof Error ? error.message : String(error)).split("\n");
  return `carillon ${name}: ${first}\nThis is a defect of Carillon. CARILLON_DEBUG=1 prints the stack trace, for a report.`;
}
