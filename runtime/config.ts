import { accessSync, constants, readFileSync } from "node:fs";
import { OperatorError } from "./operator-error.ts";

/** One environment variable: its type, default, unit and why it is there. Without a default it must be set. */
export interface Variable<T> {
  type: string;
  default?: string | undefined;
  unit?: string | undefined;
  /** What it is for, and where the default comes from. */
  reason: string;
  secret?: boolean | undefined;
  /** Returns the value, or throws an Error that names the rule (never the value). */
  parse(text: string): T;
}
// biome-ignore lint/suspicious/noExplicitAny: the one place where variables of every type are held together
export type Variables = Record<string, Variable<any>>;
export type Values<V extends Variables> = { readonly [K in keyof V]: V[K] extends Variable<infer T> ? T : never };

interface About {
  default?: string | undefined;
  unit?: string | undefined;
  reason: string;
}

const rule = (text: string): never => {
  throw new Error(text);
};

export const text = (about: About): Variable<string> => ({ type: "text", ...about, parse: (t) => t });

export const choice = <T extends string>(choices: readonly T[], about: About): Variable<T> => ({
  type: choices.join(" | "),
  ...about,
  parse: (t) => choices.find((c) => c === t) ?? rule(`must be one of ${choices.join(", ")}`),
});

export const flag = (about: About): Variable<boolean> => ({
  type: "true | false",
  ...about,
  parse: (t) => (t === "true" ? true : t === "false" ? false : rule("must be true or false")),
});

export const integer = (min: number, max: number, about: About): Variable<number> => ({
  type: `integer ${min} to ${max}`,
  ...about,
  parse: (t) => {
    const n = /^-?\d{1,15}$/.test(t) ? Number(t) : Number.NaN;
    return n >= min && n <= max ? n : rule(`must be an integer from ${min} to ${max}`);
  },
});

/** A duration or a moment in milliseconds. */
export const ms = (min: number, max: number, about: Omit<About, "unit">): Variable<number> => integer(min, max, { ...about, unit: "ms" });

export const url = (schemes: readonly string[], about: About): Variable<string> => ({
  type: `URL (${schemes.join(", ")})`,
  ...about,
  parse: (t) => {
    if (!URL.canParse(t)) return rule("must be a URL");
    return schemes.includes(new URL(t).protocol.replace(/:$/, ""))
      ? t
      : rule(`must begin with ${schemes.map((s) => `${s}:`).join(" or ")}`);
  },
});

export const list = <T extends string>(choices: readonly T[] | undefined, about: About): Variable<readonly T[]> => ({
  type: choices ? `list of ${choices.join(", ")}` : "list, comma between",
  ...about,
  parse: (t) => {
    const items = t
      .split(",")
      .map((s) => s.trim())
      .filter((s) => s !== "") as T[];
    if (choices && items.some((i) => !choices.includes(i))) rule(`may hold ${choices.join(", ")}`);
    return items;
  },
});

/** A list whose items keep a rule. @param form the rule in words */
export const listOf = (isItem: (item: string) => boolean, form: string, about: About): Variable<readonly string[]> => {
  const items = list<string>(undefined, about);
  return { ...items, type: `list of ${form}`, parse: (t) => (items.parse(t).every(isItem) ? items.parse(t) : rule(`may hold ${form}`)) };
};

/** The path of a file; the value is the content of the file. Secrets are given this way, never in the environment itself. */
export const secretFile = (about: About): Variable<string> => ({
  type: "path of a file",
  ...about,
  secret: true,
  parse: (path) => {
    if (path === "") return "";
    try {
      return readFileSync(path, "utf8").trim() || rule("the file is empty");
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      return rule(code ? `the file cannot be read (${code})` : (error as Error).message);
    }
  },
});

/** Like secretFile, for a role that reads the file again when it changes: see watchConfig. */
export const watchedSecretFile = (about: About): Variable<string> => ({
  ...secretFile(about),
  type: "path of a file, read again when it changes",
});

/** Like watchedSecretFile, for a file that is no text; the value is its content in base64. */
export const watchedSecretBytes = (about: About): Variable<string> => ({
  ...watchedSecretFile(about),
  parse: (path) => {
    if (path === "") return "";
    try {
      return readFileSync(path).toString("base64") || rule("the file is empty");
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      return rule(code ? `the file cannot be read (${code})` : (error as Error).message);
    }
  },
});

/** The path of a file that is read again when it changes; the value is the path. It must also be readable at the start. */
export const watchedFile = (about: About): Variable<string> => ({
  type: "path of a file, read again when it changes",
  ...about,
  parse: (path) => {
    if (path === "") return "";
    try {
      accessSync(path, constants.R_OK);
      return path;
    } catch (error) {
      return rule(`the file cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  },
});

/** A TCP port to listen on; undefined if empty. */
export const optionalPort = (about: About): Variable<number | undefined> => {
  const port = integer(0, 65_535, about);
  return { ...port, type: `${port.type}, or empty`, parse: (t) => (t === "" ? undefined : port.parse(t)) };
};

/** An address to listen on. */
export interface HostPort {
  host: string;
  port: number;
}

export const hostPort = (about: About): Variable<HostPort> => ({
  type: "host:port",
  ...about,
  parse: (t) => {
    const [, bracketed, plain, port] = /^(?:\[([\d:a-f]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(t) ?? [];
    const host = bracketed ?? plain;
    return host === undefined || Number(port) > 65_535 ? rule("must be host:port") : { host, port: Number(port) };
  },
});

/** Undefined if empty. */
export const optionalHostPort = (about: About): Variable<HostPort | undefined> => {
  const required = hostPort(about);
  return { ...required, parse: (t) => (t === "" ? undefined : required.parse(t)) };
};

export class ConfigError extends OperatorError {
  override name = "ConfigError";
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(`configuration: ${faults.length} mistake${faults.length === 1 ? "" : "s"}\n${faults.map((f) => `  ${f}`).join("\n")}`);
    this.faults = faults;
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads every variable, or throws one ConfigError that names all faults, without any values. */
export function readConfig<V extends Variables>(variables: V, env: Environment): Values<V> {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries(variables)) {
    const given = env[name] ?? variable.default;
    if (given === undefined) {
      faults.push(`${name}: must be set (${variable.type}): ${variable.reason}`);
      continue;
    }
    try {
      values[name] = variable.parse(given);
    } catch (error) {
      faults.push(`${name}: ${(error as Error).message}; what is set has ${given.length} characters`);
    }
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(values) as Values<V>;
}
