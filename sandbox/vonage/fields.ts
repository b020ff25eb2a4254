import { between, type Check, isUrl, longest, matches, mistakesIn, oneOf, type Rule, rule, text, whole } from "../kit/fields.ts";
import type { Fields } from "../kit/read.ts";

/** A status of the SMS API and its error-text. */
export interface ParamFault {
  status: string;
  text: string;
}

interface Param {
  check: Check;
  status: string;
  text: string;
}

/** Vonage: "SMS API reference" and "Troubleshooting SMS". */
const TEXT_CHARACTERS_MAX = 3_200;
const CLIENT_REF_CHARACTERS_MAX = 100;
const CALLBACK_CHARACTERS_MAX = 100;
const TTL_SHORTEST_MS = 20_000;
const TTL_LONGEST_MS = 604_800_000;

const param = (check: Check, status: string, says: string): Param => ({ check, status, text: says });
const invalid = (name: string, check: Check) => param(check, "3", `Invalid value for param: ${name}`);
/** A number, in JSON or as text. */
const count = (limits: Rule<number>): Check => {
  const digits = text(rule(limits.says, (value) => /^\d{1,10}$/.test(value) && limits.holds(Number(value))));
  return (value, path, report) => (typeof value === "number" ? whole(limits) : digits)(value, path, report);
};
const yesOrNo: Check = (value, path, report) =>
  typeof value === "boolean" || value === 0 || value === 1 ? undefined : text(oneOf("true", "false", "1", "0"))(value, path, report);
const hex = text(matches(/^([0-9a-fA-F]{2})+$/, "hexadecimal bytes"));
/** Ids of 19 digits: a JSON number would lose the last ones, so these are strings. */
const id = text(longest(100));

/** The parameters of a message; credentials are checked elsewhere. Others are ignored, as by Vonage. */
const PARAMS: Readonly<Record<string, Param>> = {
  to: param(text(matches(/^[1-9]\d{6,14}$/, "7 to 15 digits")), "3", "to address is not numeric"),
  from: param(text(matches(/^([A-Za-z0-9 ]{1,11}|\d{1,15})$/, "a name of 11 characters or a number")), "15", "Invalid sender address"),
  text: param(text(longest(TEXT_CHARACTERS_MAX)), "12", "Message too long"),
  type: invalid("type", text(oneOf("text", "unicode", "binary"))),
  ttl: invalid("ttl", count(between(TTL_SHORTEST_MS, TTL_LONGEST_MS))),
  "status-report-req": invalid("status-report-req", yesOrNo),
  callback: param(text(isUrl, longest(CALLBACK_CHARACTERS_MAX)), "23", "Invalid callback URL"),
  "message-class": invalid("message-class", count(between(0, 3))),
  "protocol-id": invalid("protocol-id", count(between(0, 255))),
  body: invalid("body", hex),
  udh: invalid("udh", hex),
  "client-ref": invalid("client-ref", text(longest(CLIENT_REF_CHARACTERS_MAX))),
  "account-ref": invalid("account-ref", text()),
  "entity-id": invalid("entity-id", id),
  "content-id": invalid("content-id", id),
  "trusted-recipient": invalid("trusted-recipient", yesOrNo),
};

/** What is wrong with the parameters of a message. */
export function paramFault(params: Fields): ParamFault | undefined {
  const required = params.type === "binary" ? ["to", "from", "body", "udh"] : ["to", "from", "text"];
  const missing = required.find((name) => params[name] === undefined || params[name] === "");
  if (missing !== undefined) return { status: "2", text: `Missing ${missing}` };
  for (const [name, value] of Object.entries(params)) {
    const row = Object.hasOwn(PARAMS, name) ? PARAMS[name] : undefined;
    if (row !== undefined && mistakesIn(row.check, value).length > 0) return { status: row.status, text: row.text };
  }
  return undefined;
}
