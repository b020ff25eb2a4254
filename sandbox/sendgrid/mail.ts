import { isAddress, localPart } from "../kit/address.ts";
import { type Fields, fieldsOf, isFields, listOf, textOf } from "../kit/read.ts";

export interface MailFault {
  message: string;
  field?: string | undefined;
}

/** SendGrid: "Mail Send: Limitations" and "Errors: Message". */
const PERSONALIZATIONS_MAX = 1_000;
const RECIPIENTS_MAX = 1_000;
const CUSTOM_ARGS_BYTES_MAX = 10_000;
const SEND_AHEAD_LONGEST_S = 72 * 3_600;
const CATEGORIES_MAX = 10;
const RESERVED_HEADERS = [
  "x-sg-id",
  "x-sg-eid",
  "received",
  "dkim-signature",
  "content-type",
  "content-transfer-encoding",
  "to",
  "from",
  "subject",
  "reply-to",
  "cc",
  "bcc",
];

const INVALID_ADDRESS = "Does not contain a valid address.";

/** All faults of a v3 mail, one error per field, as documented. @param now seconds since the epoch */
export function mailFaults(mail: unknown, now: number): MailFault[] {
  if (!isFields(mail)) return [{ message: "Bad Request" }];
  const faults: MailFault[] = [];
  const add = (message: string, field: string) => faults.push({ message, field });

  const personalizations = listOf(mail.personalizations);
  if (personalizations.length === 0)
    add("The personalizations field is required and must have at least one personalization.", "personalizations");
  if (personalizations.length > PERSONALIZATIONS_MAX) add("There is a maximum of 1000 personalizations.", "personalizations");
  let recipients = 0;
  personalizations.forEach((personalization, index) => {
    const at = `personalizations.${index}`;
    recipients += addressFaults(fieldsOf(personalization), at, faults);
    argumentFaults(fieldsOf(personalization).custom_args, `${at}.custom_args`, faults);
    headerFaults(fieldsOf(personalization).headers, `${at}.headers`, faults);
  });
  if (recipients > RECIPIENTS_MAX) add("There is a maximum of 1000 recipients.", "personalizations");

  if (!isFields(mail.from))
    add(
      'The from object must be provided for every email send. It is an object that requires the email parameter, but may also contain a name parameter.  e.g. {"email" : "example@example.com"}  or {"email" : "example@example.com", "name" : "Example Recipient"}.',
      "from.email",
    );
  else if (!isAddress(textOf(mail.from.email)) || /[^ -~]/.test(textOf(mail.from.email))) add(INVALID_ADDRESS, "from.email");
  const everyHasSubject = personalizations.every((p) => textOf(fieldsOf(p).subject) !== "");
  if (textOf(mail.subject) === "" && textOf(mail.template_id) === "" && !everyHasSubject)
    add(
      "The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.",
      "subject",
    );
  contentFaults(mail, faults);
  argumentFaults(mail.custom_args, "custom_args", faults);
  headerFaults(mail.headers, "headers", faults);
  if (listOf(mail.categories).length > CATEGORIES_MAX) add("You may only use up to 10 categories.", "categories");
  if (mail.send_at !== undefined && !(typeof mail.send_at === "number" && mail.send_at <= now + SEND_AHEAD_LONGEST_S))
    add("The send_at parameter must be a unix timestamp at most 72 hours ahead.", "send_at");
  return faults;
}

/** Returns the number of addresses. */
function addressFaults(personalization: Fields, at: string, faults: MailFault[]): number {
  if (listOf(personalization.to).length === 0)
    faults.push({
      message:
        "The to array is required for all personalization objects, and must have at least one email object with a valid email address.",
      field: `${at}.to`,
    });
  const seen = new Set<string>();
  let count = 0;
  for (const kind of ["to", "cc", "bcc"])
    listOf(personalization[kind]).forEach((person, index) => {
      count += 1;
      const address = textOf(fieldsOf(person).email);
      // The local part "invalid" selects this answer; see README.md.
      if (!isAddress(address) || localPart(address) === "invalid")
        faults.push({ message: INVALID_ADDRESS, field: `${at}.${kind}.${index}.email` });
      if (seen.has(address.toLowerCase()))
        faults.push({
          message:
            "Each email address in the personalization block should be unique between to, cc, and bcc. We found the first duplicate instance.",
          field: at,
        });
      seen.add(address.toLowerCase());
    });
  return count;
}

function contentFaults(mail: Fields, faults: MailFault[]): void {
  const content = listOf(mail.content);
  if (content.length === 0 && textOf(mail.template_id) === "")
    faults.push({
      message:
        "Unless a valid template_id is provided, the content parameter is required. There must be at least one defined content block. We typically suggest both text/plain and text/html blocks are included, but only one block is required.",
      field: "content",
    });
  content.forEach((block, index) => {
    const { type, value } = fieldsOf(block);
    if (textOf(type) === "")
      faults.push({ message: "The content type must be a string at least one character in length.", field: `content.${index}.type` });
    if (textOf(value) === "")
      faults.push({ message: "The content value must be a string at least one character in length.", field: `content.${index}.value` });
  });
  const types = content.map((block) => textOf(fieldsOf(block).type));
  if (types.includes("text/plain") && types.indexOf("text/plain") !== 0)
    faults.push({ message: "If present, text/plain must be the first content block, followed by text/html.", field: "content" });
}

function argumentFaults(given: unknown, at: string, faults: MailFault[]): void {
  if (given === undefined) return;
  for (const [name, value] of Object.entries(fieldsOf(given)))
    if (typeof value !== "string") faults.push({ message: "Custom args must be strings.", field: `${at}.${name}` });
  if (!isFields(given) || Buffer.byteLength(JSON.stringify(given)) >= CUSTOM_ARGS_BYTES_MAX)
    faults.push({ message: "The custom args must be an object smaller than 10000 bytes.", field: at });
}

function headerFaults(given: unknown, at: string, faults: MailFault[]): void {
  for (const [name, value] of Object.entries(fieldsOf(given)))
    if (typeof value !== "string" || RESERVED_HEADERS.includes(name.toLowerCase()))
      faults.push({ message: "The headers must be strings and may not be reserved ones.", field: `${at}.${name}` });
}
