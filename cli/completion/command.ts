import { type Command, fail } from "../command.ts";
import { completionScript, SHELLS } from "./scripts.ts";
import { type CommandList, completionTable } from "./table.ts";

export const completionCommands = (list: CommandList): Readonly<Record<string, Command>> => ({
  completion: {
    about: "prints a script that completes commands, options and roles in a shell",
    usage: SHELLS.join("|"),
    details: [
      "  carillon completion bash > ~/.local/share/bash-completion/completions/carillon",
      '  carillon completion zsh > "$' + '{fpath[1]}/_carillon"',
      "  carillon completion fish > ~/.config/fish/completions/carillon.fish",
      "",
      "Print it again after an upgrade: it holds the commands of the version that printed it.",
    ].join("\n"),
    options: {},
    async run({ positionals: [given] }) {
      const shell = SHELLS.find((name) => name === given) ?? fail(`the shell must be one of ${SHELLS.join(", ")}`);
      process.stdout.write(completionScript(shell, await completionTable(list)));
      return 0;
    },
  },
});
