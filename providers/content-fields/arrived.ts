/** What the sandbox keeps of a request; see sandbox/kit/ledger.ts. */
interface Received {
  provider: string;
  payload: unknown;
  headers: Readonly<Record<string, string>>;
}

/** A received request as the paths of a FieldRow read it: the payload's fields, with the headers beside them. FCM's are those of its message. */
export const arrivedAt = ({ provider, payload, headers }: Received): unknown =>
  provider === "fcm" ? fieldsOf(fieldsOf(payload).message) : { ...fieldsOf(payload), headers };

/** What is at a path; undefined where nothing is. */
export const valueAt = (root: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>(
      (value, key) => (typeof value === "object" && value !== null && Object.hasOwn(value, key) ? fieldsOf(value)[key] : undefined),
      root,
    );

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
