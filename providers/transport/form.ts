import { stringify } from "node:querystring";

const encoding = { encodeURIComponent: (text: string) => encodeURIComponent(text.toWellFormed()) };

/** The body of a form (application/x-www-form-urlencoded); a list is a field given several times. URLSearchParams took more than twice the CPU time. */
export const formOf = (fields: Readonly<Record<string, string | readonly string[]>>): string => stringify(fields, "&", "=", encoding);
