// What pages send about a person. Each function throws a RequestFault that names the field at fault.
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { isUserId, type OptOut } from "../../core/preferences/opt-out.ts";
import { type Fields, oneOf, optionalApp, RequestFault, textOf } from "./route.ts";

/** Characters of a user's id; the API takes no longer ones. */
const USER_MAX = 128;
const CATEGORY_MAX = 64;
/** Characters of the evidence of an opt-out: a date, a ticket, some words. */
const EVIDENCE_MAX = 500;

export interface Named {
  app: string;
  user: string;
}

export const readNamed = (body: Fields): Named => ({ app: optionalApp(body) ?? "", user: textOf(body, "user", USER_MAX) });

/** Throws a RequestFault where either is missing. */
export function personIn(body: Fields): Named {
  const named = readNamed(body);
  for (const name of ["app", "user"] as const) if (named[name] === "") throw new RequestFault(`${name} is empty`);
  return named;
}

/** As personIn(), where something is stored for the person. */
export function personToChange(body: Fields): Named {
  const named = personIn(body);
  if (!isUserId(named.user)) throw new RequestFault("user must be a user's id as apps send it: printable ASCII characters without spaces");
  return named;
}

export const WAYS = ["phone", "letter", "mail"] as const;

/** As the API takes categories. */
const CATEGORY = /^(\*|[a-z0-9][a-z0-9._-]*)$/;

export function scopeIn(body: Fields): OptOut {
  const channel = oneOf<Channel | "*">(body, "channel", ["*", ...CHANNELS]);
  const category = textOf(body, "category", CATEGORY_MAX);
  if (!CATEGORY.test(category)) throw new RequestFault("category must be a category's name, or * for every category");
  return { channel, category };
}

export function evidenceIn(body: Fields): string {
  const text = textOf(body, "evidence", EVIDENCE_MAX).trim();
  if (text === "")
    throw new RequestFault("evidence is empty: the history keeps what proves it, for example the time of the call and the ticket");
  if (/\p{Cc}/u.test(text)) throw new RequestFault("evidence must be one line without control characters");
  return text;
}
