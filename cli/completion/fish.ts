import type { CompletionTable } from "./table.ts";

const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

export function fishScript({ words, options }: CompletionTable): string {
  const known = [...words].map(
    ([before, choices]) => `        case ${quoted(before)}\n            printf '%s\\n' ${choices.map(({ word }) => word).join(" ")}`,
  );
  const next = [...words].flatMap(([before, choices]) =>
    choices.map(({ word, summary }) => `complete -c carillon -f -n '__carillon_at ${quotedIn(before)}' -a ${word} -d ${quoted(summary)}`),
  );
  const own = [...options].flatMap(([command, all]) =>
    all.map(({ name, takes }) => {
      const value = takes === "nothing" ? "" : takes === "file" ? " -r -F" : " -x";
      return `complete -c carillon -n '__carillon_at ${quotedIn(command)}' -l ${name.slice(2)}${value}`;
    }),
  );
  return `# fish completion of carillon; printed by \`carillon completion fish\`
function __carillon_words
    switch "$argv[1]"
${known.join("\n")}
    end
end
function __carillon_path
    set -l path ""
    set -l given (commandline -opc)
    for word in $given[2..-1]
        if test "$word" = help; and test -z "$path"
            continue
        end
        contains -- $word (__carillon_words "$path"); or break
        set path (string trim "$path $word")
    end
    echo $path
end
function __carillon_at
    test (__carillon_path) = "$argv[1]"
end
${[...next, ...own].join("\n")}
`;
}

/** Within a condition, which is in single quotes. */
const quotedIn = (text: string) => `"${text}"`;
