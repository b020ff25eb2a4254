import { ConfigError } from "../../runtime/config.ts";

/** What a start complains of in its configuration; nothing where it succeeds. */
export function configFaultsOf(start: () => unknown): readonly string[] {
  try {
    start();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}
