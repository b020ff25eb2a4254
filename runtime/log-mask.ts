/** Names of fields whose values never reach a log, in lower case, wherever they stand. */
const MASKED = new Set([
  ...["endpoint", "token", "pushurl", "phonenumber", "phone", "email", "address", "p256dh", "auth"],
  ...["content", "title", "body", "text", "html", "subject", "data"],
  ...["authorization", "cookie", "set-cookie", "password", "secret", "apikey", "key", "privatekey", "credentials", "config"],
  ...["accesstoken", "access_token", "refreshtoken", "refresh_token", "idtoken", "id_token"],
  ...["request", "headers"],
]);
const CENSOR = "[masked]";

/** A line about more than this is cut: somebody logged an object of a library. */
const VALUES_MAX = 200;
const DEPTH_MAX = 6;

/** A copy of a line's fields for printing. Never throws. */
export function masked(fields: object): Record<string, unknown> {
  try {
    return maskedFields(fields, { depth: 0, left: VALUES_MAX });
  } catch {
    // A getter or a toJSON of somebody else's object.
    return { fields: "[unreadable]" };
  }
}

interface Walk {
  depth: number;
  /** Values that may still be printed. */
  left: number;
}

function maskedFields(fields: object, walk: Walk): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(fields)) {
    if (walk.left-- <= 0) break;
    copy[name] = MASKED.has(name) || MASKED.has(name.toLowerCase()) ? CENSOR : maskedValue((fields as Record<string, unknown>)[name], walk);
  }
  return copy;
}

function maskedValue(value: unknown, walk: Walk): unknown {
  if (typeof value === "string") return withoutSecrets(value);
  // A copied toJSON would be called once more when the line is printed.
  if (typeof value === "function") return undefined;
  if (typeof value !== "object" || value === null) return value;
  // Only known properties: errors of other packages contain requests, and requests contain credentials.
  if (value instanceof Error) return errorLine(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return "[bytes]";
  if (walk.depth >= DEPTH_MAX) return "[deep]";
  walk.depth++;
  const copy = copyOf(value, walk);
  walk.depth--;
  return copy;
}

function copyOf(value: object, walk: Walk): unknown {
  if ("toJSON" in value && typeof value.toJSON === "function") return maskedValue(value.toJSON(), walk);
  if (!Array.isArray(value)) return maskedFields(value, walk);
  return value.slice(0, Math.max(0, walk.left)).map((item) => (walk.left-- > 0 ? maskedValue(item, walk) : undefined));
}

/** An error without its properties: name, message, code and stack, with anything that looks like a credential masked. */
export function errorLine(error: unknown): { name: string; message: string; code?: string; stack?: string } {
  if (!(error instanceof Error)) return { name: typeof error, message: "not an Error" };
  const code = (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: withoutSecrets(error.message),
    ...(typeof code === "string" || typeof code === "number" ? { code: String(code) } : {}),
    ...(error.stack ? { stack: withoutSecrets(error.stack) } : {}),
  };
}

/** Most text holds none of these signs, and one test of it is cheaper than all replacements. */
const MAY_HOLD_SECRETS = /[@+]|%40|%2b|\b(?:bearer|basic|eyj|ck_)/i;

export const withoutSecrets = (text: string): string =>
  MAY_HOLD_SECRETS.test(text)
    ? text
        .replace(/\b(Bearer|Basic)\s+\S+/gi, "$1 [masked]")
        // Each takes all that belongs to what it begins: what is searched again for every beginning takes minutes for a megabyte.
        .replace(/\beyJ[\w-]+(?:\.[\w-]*){0,2}/g, "[token]")
        .replace(/\b(ck_(?:[0-9a-z]{8}_)?)[\w-]{20,}/g, "$1[masked]")
        .replace(/\/\/[^/@:\s]*:[^/@\s]+@/g, "//[masked]@")
        .replace(/(?:\+|%2b)[1-9](?:[ ().-]{0,2}\d){6,14}\b/gi, "[number]")
        // Bounded, so that a long text without an address takes linear time.
        .replace(/(?:[\w.+-]|%[0-9a-f]{2}){1,128}(?:@|%40)[\w-]{1,63}\.[\w.-]+/gi, "[address]")
    : text;
