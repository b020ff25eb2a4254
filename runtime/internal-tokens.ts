import { type Environment, secretFile, type Variable } from "./config.ts";
import type { Logger } from "./logger.ts";
import { watchConfig } from "./watch-config.ts";

/**
 * The tokens by which our services know one another, as in the file now: the first is shown to others, each of them is accepted. Two are valid at a
 * time while one replaces the other.
 */
export type InternalTokens = () => readonly string[];

const TOKENS_MAX = 2;
/** Shorter ones can be guessed; longer ones are another kind of file. */
const TOKEN_CHARS = { min: 16, max: 200 } as const;
/** What a gRPC header can carry. */
const TOKEN = new RegExp(`^[!-~]([ -~]{${TOKEN_CHARS.min - 2},${TOKEN_CHARS.max - 2}})[!-~]$`);

/** The path of a file with one token, or as many as `max` while they replace one another. Without a path, where that is allowed: no tokens. */
export const tokensFile = ({
  max = TOKENS_MAX,
  ...about
}: {
  default?: string;
  reason: string;
  max?: number;
}): Variable<readonly string[]> => {
  const file = secretFile(about);
  const parse = (path: string) => (path === "" && about.default === "" ? [] : parseTokens(file.parse(path), max));
  return { ...file, type: "path of a file, one token a line, read again when it changes", parse };
};

/** For preferences, the gateway and the dispatchers. */
export const internalTokenVariables = {
  INTERNAL_TOKEN_FILE: tokensFile({
    reason:
      "shared by our services; whoever has it may act for any app. One token, or two while one replaces the other: the first is shown, both are accepted",
  }),
};

export interface WatchTokensParts {
  env: Environment;
  log: Logger;
  pollMs?: number;
}

export const watchInternalTokens = ({
  config,
  ...parts
}: WatchTokensParts & { config: { readonly INTERNAL_TOKEN_FILE: readonly string[] } }): InternalTokens & Disposable =>
  watchTokens(internalTokenVariables, config, parts);

/**
 * Reads a file of tokens again while the role runs, until the result is disposed. What it holds at the start is checked by readConfig.
 * @param variables one, of tokensFile()
 */
export function watchTokens<Name extends string>(
  variables: Readonly<Record<Name, Variable<readonly string[]>>>,
  config: Readonly<Record<NoInfer<Name>, readonly string[]>>,
  { env, log, pollMs }: WatchTokensParts,
): (() => readonly string[]) & Disposable {
  const [name] = Object.keys(variables) as [Name];
  let tokens: readonly string[] = config[name];
  const watching = watchConfig<Record<string, Variable<readonly string[]>>>({
    ...{ variables, env, start: { [name]: tokens }, log },
    ...(pollMs === undefined ? {} : { pollMs }),
    take(next) {
      tokens = next[name] ?? tokens;
    },
  });
  return Object.assign(() => tokens, { [Symbol.dispose]: () => watching[Symbol.dispose]() });
}

function parseTokens(text: string, max: number): readonly string[] {
  const tokens = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (tokens.length === 0 || tokens.length > max) throw new Error(`the file must hold one token, or up to ${max} on lines of their own`);
  if (!tokens.every((token) => TOKEN.test(token)))
    throw new Error(`each token must be ${TOKEN_CHARS.min} to ${TOKEN_CHARS.max} printable ASCII characters`);
  return tokens;
}
