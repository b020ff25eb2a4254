import { randomUUID } from "node:crypto";
import { fail, type Invocation, text } from "../command.ts";

/** Of `carillon send --to`: one notification, as options say it. */
export const AD_HOC_OPTIONS = {
  to: { type: "string" },
  subject: { type: "string" },
  text: { type: "string" },
  html: { type: "string" },
  category: { type: "string" },
  class: { type: "string" },
  key: { type: "string" },
} as const;
export const AD_HOC_USAGE =
  "--to email:ADDRESS|sms:+NUMBER|apns:TOKEN|fcm:TOKEN|user:ID --text WORDS [--subject WORDS] [--html HTML] [--category NAME] [--class CLASS] [--key KEY]";

/** Of a recipient that is given outright: the field of carillon.v1.Endpoint, and the part of the content that its channel carries. */
const KINDS = {
  email: { field: "emailAddress", part: "email" },
  sms: { field: "phoneNumber", part: "sms" },
  apns: { field: "apnsToken", part: "push" },
  fcm: { field: "fcmToken", part: "push" },
} as const;
type Part = (typeof KINDS)[keyof typeof KINDS]["part"];

/**
 * The one notification that the options say, in the short form of a line (jsonl.ts). An address is sent to as it is and registers nobody; a user gets it
 * on every channel where they have an endpoint. Throws a UsageError.
 */
export function adHocLine(values: Invocation["values"]): string {
  const [, kind = "", address = ""] = /^([a-z]+):(.+)$/.exec(text(values.to) ?? "") ?? fail("--to must be like email:ada@example.com");
  const recipient = kind === "user" ? { user: address } : { endpoint: { [kindOf(kind).field]: address } };
  const parts: readonly Part[] = kind === "user" ? ["push", "sms", "email"] : [kindOf(kind).part];
  return JSON.stringify({
    key: text(values.key) ?? `cli-${randomUUID()}`,
    ...recipient,
    class: text(values.class) ?? "transactional",
    category: text(values.category) ?? "cli",
    ...Object.fromEntries(parts.map((part) => [part, contentOf(part, values)])),
  });
}

const kindOf = (kind: string) => (Object.hasOwn(KINDS, kind) ? KINDS[kind as keyof typeof KINDS] : fail(unknownKind));
const unknownKind = `--to must begin with one of ${[...Object.keys(KINDS), "user"].map((kind) => `${kind}:`).join(", ")}`;

function contentOf(part: Part, values: Invocation["values"]): Record<string, string> {
  const [words, subject, html] = [text(values.text), text(values.subject), text(values.html)];
  if (words === undefined && !(part === "email" && html !== undefined)) return fail("--text is missing");
  const given: Record<string, string> = words === undefined ? {} : { text: words };
  switch (part) {
    case "sms":
      return given;
    case "push":
      return { ...(subject === undefined ? {} : { title: subject }), ...(words === undefined ? {} : { body: words }) };
    case "email":
      return { subject: subject ?? fail("--subject is missing"), ...given, ...(html === undefined ? {} : { html }) };
  }
}
