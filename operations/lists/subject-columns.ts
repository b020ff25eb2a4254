import { endpointId } from "../../adapters/ids.ts";
import { endpointSubject, isUserId, userIdOf, userSubject } from "../../core/preferences/opt-out.ts";
import { type CheckEndpoint, ENDPOINT_COLUMNS, readEndpoint } from "./endpoint-columns.ts";
import { faulty, type Parsed, type Row } from "./row.ts";

/** Whose a record is: a user's, or an endpoint's by its address or by the id that stands for it in the store. */
export const SUBJECT_COLUMNS = ["user_id", "endpoint_id", ...ENDPOINT_COLUMNS] as const;

const ENDPOINT_ID = /^[0-9a-f]{32}$/;
const OF_ENDPOINT = endpointSubject("");

export function readSubject(row: Row, checkEndpoint: CheckEndpoint): Parsed<string> {
  const endpoint = readEndpoint(row, checkEndpoint);
  if (endpoint?.kind === "faults") return endpoint;
  const { user_id: user, endpoint_id: id } = row;
  const named = [user, id, endpoint].filter((given) => given !== undefined).length;
  if (named !== 1) return faulty("", "subject.one", `must have exactly one of ${SUBJECT_COLUMNS.join(", ")}`);
  if (user !== undefined && !isUserId(user))
    return faulty("user_id", "string.pattern", "must be 1 to 128 printable ASCII characters without spaces");
  if (id !== undefined && !ENDPOINT_ID.test(id)) return faulty("endpoint_id", "string.pattern", "must be 32 hexadecimal digits");
  return { kind: "item", item: user === undefined ? endpointSubject(id ?? endpointId(endpoint!.item)) : userSubject(user) };
}

/** Of an endpoint the store knows no address. */
export function subjectRow(subject: string): Row {
  const userId = userIdOf(subject);
  return userId === undefined ? { endpoint_id: subject.slice(OF_ENDPOINT.length) } : { user_id: userId };
}
