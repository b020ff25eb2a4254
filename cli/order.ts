import { userInfo } from "node:os";
import type { OperatorAction } from "../core/ports/steering-store.ts";
import type { Store } from "../core/ports/store.ts";
import { logged, type Order, orderFault } from "../operations/steering/audit-log.ts";
import { fail, type Invocation, text } from "./command.ts";

/** Who does it, and why: the options of every command that `carillon audit-log` lists. */
export const ORDER_OPTIONS = { by: { type: "string" }, why: { type: "string" } } as const;
export const ORDER_USAGE = "--by NAME --why TEXT";
/** The usage of commands that scripts also run, such as those for apps and keys. */
export const OPTIONAL_ORDER_USAGE = "[--by NAME] [--why TEXT]";

export const readOrder = ({ values }: Pick<Invocation, "values">): Order =>
  checked({
    actor: text(values.by) ?? fail("--by is missing: who does this"),
    reason: text(values.why) ?? fail("--why is missing: why"),
  });

/** Without --by it is the machine's account that runs the command. */
export const readOptionalOrder = ({ values }: Pick<Invocation, "values">): Order =>
  checked({ actor: text(values.by) ?? account(), reason: text(values.why) ?? "not given" });

/** Makes a change that the audit log records. @param words what the entry has for its result, without secrets and addresses */
export const loggedChange = <T>(
  store: Pick<Store, "steering" | "time">,
  of: Order & Pick<OperatorAction, "action" | "target">,
  change: () => Promise<T>,
  words: (result: T) => string,
): Promise<T> =>
  logged(store, of, async () => {
    const result = await change();
    return { result, words: words(result) };
  });

function checked(order: Order): Order {
  const fault = orderFault(order, { actor: "--by", reason: "--why" });
  return fault === undefined ? order : fail(fault);
}

/** The name of the machine's account; a container may run as a user without a name. */
function account(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? "unknown"}`;
  }
}
