import type { CallError } from "../call-error.ts";
import { descriptors } from "../grpc/descriptors.ts";

/** A map's key in a path, or what may be a name. It reads each character once: callers choose some of them. */
const NAMES = /\["(?:[^"\\]|\\.)*"\]|[a-z][a-z0-9_]*/g;

let names: ReadonlyMap<string, string> | undefined;

/** Names of fields and oneofs as in proto/, and the same as in JSON, where they differ. */
function jsonNames(): ReadonlyMap<string, string> {
  if (names) return names;
  const found = new Map<string, string>();
  for (const type of descriptors()) {
    if (type.kind !== "message" || !type.typeName.startsWith("carillon.")) continue;
    for (const { name, jsonName } of type.fields) found.set(name, jsonName);
    for (const { name, localName } of type.oneofs) found.set(name, localName);
  }
  names = found;
  return names;
}

/** The names in a path or a sentence as others; keys of maps stay as they are. */
export const renameFields = (text: string, others: ReadonlyMap<string, string>): string =>
  text.replace(NAMES, (name) => others.get(name) ?? name);

/** As JSON spells them: user_id → userId. */
const inJsonNames = (text: string): string => renameFields(text, jsonNames());

/** An error as a caller reads it who spells fields as JSON does. */
export const errorInJsonNames = (error: CallError): CallError => ({
  ...error,
  message: inJsonNames(error.message),
  ...(error.fields && {
    fields: error.fields.map(({ field, rule, message }) => ({ field: inJsonNames(field), rule, message: inJsonNames(message) })),
  }),
});
