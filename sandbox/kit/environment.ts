import { readFileSync } from "node:fs";
import { basename } from "node:path";

/** The environment for processes that cannot read the sandbox's directory: variables that name a file come with its content. */
export interface SharedCredentials {
  env: Record<string, string>;
  files: Record<string, { name: string; content: string }>;
}

export function shareable(env: Readonly<Record<string, string>>): SharedCredentials {
  const shared: SharedCredentials = { env: {}, files: {} };
  for (const [variable, value] of Object.entries(env))
    if (variable.endsWith("_FILE")) shared.files[variable] = { name: basename(value), content: readFileSync(value, "utf8") };
    else shared.env[variable] = value;
  return shared;
}
