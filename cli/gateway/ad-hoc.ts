import { randomUUID } from "node:crypto";
import { CLASSES, CONTENT_PARTS, type ContentPart, contentPart } from "../../core/delivery/channel.ts";
import { fail, type Invocation, oneOf, text } from "../command.ts";
import { ADDRESS_FIELDS, ADDRESS_USAGE, readAddress } from "./address.ts";
import { type ArgumentNames, checkArguments } from "./argument-faults.ts";
import { parseLine } from "./jsonl.ts";

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
export const AD_HOC_USAGE = `--to ${ADDRESS_USAGE}|user:ID --text WORDS [--subject WORDS] [--html HTML] [--category NAME] [--class ${CLASSES.join("|")}] [--key KEY]`;
/** Which option gives a field. */
export const AD_HOC_NAMES: ArgumentNames = {
  ...{ email_address: "--to", phone_number: "--to", apns_token: "--to", fcm_token: "--to", user_id: "--to: what follows user:" },
  ...{ idempotency_key: "--key", category: "--category", notification_class: "--class" },
  ...{ subject: "--subject", title: "--subject", text: "--text", body: "--text", html: "--html" },
};

/**
 * The one notification that the options say, in the short form of a line (jsonl.ts). An address is sent to as it is and registers nobody; a user gets it
 * on every channel where they have an endpoint. Throws a UsageError.
 */
export function adHocLine(values: Invocation["values"]): string {
  const { kind, address } = readAddress(text(values.to) ?? "", "--to", ["user"]);
  const recipient = kind === "user" ? { user: address } : { endpoint: { [ADDRESS_FIELDS[kind]]: address } };
  const parts = kind === "user" ? CONTENT_PARTS : [contentPart(kind)];
  const line = JSON.stringify({
    key: text(values.key) ?? `cli-${randomUUID()}`,
    ...recipient,
    class: oneOf(values.class, "--class", CLASSES) ?? "transactional",
    category: text(values.category) ?? "cli",
    ...Object.fromEntries(parts.map((part) => [part, contentOf(part, values)])),
  });
  checkArguments("Notification", parseLine(line, Date.now()), AD_HOC_NAMES);
  return line;
}

function contentOf(part: ContentPart, values: Invocation["values"]): Record<string, string> {
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
