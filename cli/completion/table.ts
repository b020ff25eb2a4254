import type { ListedCommand } from "../command.ts";
import { ROLES } from "../roles.ts";

export interface Choice {
  word: string;
  summary: string;
}
export interface CompletedOption {
  /** With its dashes. */
  name: string;
  /** What follows it: nothing, a file, or something that no shell can know. */
  takes: "nothing" | "file" | "value";
}

/** What can follow, by the words before: "" at the beginning, "app key" after these two. */
export interface CompletionTable {
  /** The next word. */
  words: ReadonlyMap<string, readonly Choice[]>;
  /** Of a whole command. */
  options: ReadonlyMap<string, readonly CompletedOption[]>;
}

/** Every command and every other name of one, as commands.ts has them; that file imports this folder. */
export interface CommandList {
  commands: Readonly<Record<string, ListedCommand>>;
  aliases: Readonly<Record<string, string>>;
}

/** Options whose value is a path. */
const OF_FILES = /(^|-)(file|out|to|directory|logo)$/;

/** Of every command, alias and role. Loads every command. */
export async function completionTable({ commands, aliases }: CommandList): Promise<CompletionTable> {
  const words = new Map<string, Map<string, string>>();
  const put = (before: string, word: string, summary: string) => {
    const here = words.get(before) ?? new Map<string, string>();
    if (!here.get(word)) here.set(word, summary);
    words.set(before, here);
  };
  const options = new Map<string, CompletedOption[]>();
  for (const [name, of] of [...Object.keys(commands).map((own) => [own, own]), ...Object.entries(aliases)] as [string, string][]) {
    const parts = name.split(" ");
    for (const [i, part] of parts.entries())
      put(parts.slice(0, i).join(" "), part, i === parts.length - 1 ? commands[of]!.summary : `${part}: several commands`);
    const own = Object.entries((await commands[of]!.load())[of]!.options);
    options.set(name, [
      ...own.map(
        ([option, { type }]): CompletedOption => ({
          name: `--${option}`,
          takes: type === "boolean" ? "nothing" : OF_FILES.test(option) ? "file" : "value",
        }),
      ),
      { name: "--help", takes: "nothing" },
    ]);
  }
  for (const [name, { summary }] of Object.entries(ROLES)) put("", name, summary);
  put("", "help", "shows what a command or role does");
  return {
    words: new Map([...words].map(([before, here]) => [before, [...here].map(([word, summary]) => ({ word, summary }))])),
    options,
  };
}

/** A pattern of `case` in a shell: every option that takes this, after its command. */
export const optionsThatTake = (options: CompletionTable["options"], kind: CompletedOption["takes"]): string =>
  [...options].flatMap(([command, all]) => all.filter(({ takes }) => takes === kind).map(({ name }) => `"${command} ${name}"`)).join("|");
