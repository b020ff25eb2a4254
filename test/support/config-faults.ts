import { ConfigError } from "../../runtime/config.ts";

/** The configuration faults that a start reports; none where it succeeds. */
export function configFaultsOf(start: () => unknown): readonly string[] {
  try {
    start();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
}
