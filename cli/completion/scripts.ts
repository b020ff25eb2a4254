import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import type { CompletionTable } from "./table.ts";
import { zshScript } from "./zsh.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

const SCRIPTS: Readonly<Record<Shell, (table: CompletionTable) => string>> = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** The script that a shell reads to complete `carillon`. */
export const completionScript = (shell: Shell, table: CompletionTable): string => SCRIPTS[shell](table);
