import { compileValidator } from "../../runtime/grpc/validate.ts";
import { fail } from "../command.ts";

const VISIBLE = "must be 1 to 128 visible ASCII characters, without spaces";
const PRINTED = "characters, and no control character";
/** What the contract says by a pattern, in words, by its fields' names. */
const RULES: Readonly<Record<string, string>> = {
  phone_number: "must be like +4915112345678: a plus, and 7 to 15 digits of which the first is not 0",
  apns_token: "must be 8 to 200 hex digits",
  fcm_token: "must be 8 to 4096 letters, digits and _ : . -",
  category: "must be 1 to 64 of a-z, 0-9, . _ and -, and begin with a letter or digit",
  idempotency_key: VISIBLE,
  cancel_key: VISIBLE,
  user_id: VISIBLE,
  subject: "must have 1 to 998 characters, in one line",
  notification_id: "must be 32 hex digits",
  tag: `must be like order=7731: a name of a-z, 0-9, _ . and -, which begins with a letter, and a value of at most 128 ${PRINTED}`,
  provider_ref: `must have at most 512 ${PRINTED}`,
  page_token: "must be what an earlier answer with the very same filters printed",
  reason: `must have at most 200 ${PRINTED}`,
  actor: `must have at most 64 ${PRINTED}`,
};

interface FieldFault {
  field: string;
  /** Older gateways name the rule alone. */
  description: string;
}

/** Which argument gives a field of the contract, by the field's own name. */
export type ArgumentNames = Readonly<Record<string, string>>;

/** What is wrong with an argument, where the contract says it of its field; undefined: with none. */
export function argumentFault(faults: readonly FieldFault[], names: ArgumentNames): string | undefined {
  for (const { field, description } of faults) {
    const own = field.slice(field.lastIndexOf(".") + 1);
    const argument = Object.hasOwn(names, own) ? names[own] : undefined;
    if (argument !== undefined) return `${argument} ${RULES[own] ?? description}`;
  }
  return undefined;
}

/** Throws a UsageError where an argument breaks a rule of the contract. @param type of the message, without its package */
export function checkArguments(type: string, message: unknown, names: ArgumentNames): void {
  const violations = compileValidator(`carillon.v1.${type}`)(message);
  const fault = argumentFault(
    violations.map(({ field, message: description }) => ({ field, description })),
    names,
  );
  if (fault !== undefined) fail(fault);
}
