import { isAddress, localPart } from "../kit/address.ts";
import {
  anything,
  type Check,
  flag,
  isBase64,
  isUrl,
  list,
  longest,
  map,
  matches,
  number,
  object,
  oneOf,
  rule,
  text,
  whole,
} from "../kit/fields.ts";
import { fieldsOf, isFields, listOf, textOf } from "../kit/read.ts";

/** SendGrid: "Mail Send" (reference, limitations, errors). Names that it lacks are ignored: what SendGrid does with them is not documented. */
const PERSONALIZATIONS_MAX = 1_000;
const ADDRESSES_MAX = 1_000;
const ARGUMENTS_BYTES_MAX = 10_000;
const CATEGORIES_MAX = 10;
const CATEGORY_CHARACTERS_MAX = 255;
const GROUPS_MAX = 25;
const RESERVED_HEADERS = [
  ...["x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding"],
  ...["to", "from", "subject", "reply-to", "cc", "bcc"],
];

const atLeastOne = (what: string) => rule<unknown[]>(`There must be at least one ${what}.`, (values) => values.length > 0);
const atMost = (count: number, what: string) =>
  rule<unknown[]>(`There is a limit of ${count} ${what}.`, (values) => values.length <= count);
const unique = rule<unknown[]>(
  "The list must be unique.",
  (values) => new Set(values.map((value) => JSON.stringify(value))).size === values.length,
);
const filled = rule<string>("Must be a string at least one character in length.", (value) => value !== "");
const oneLine = matches(/^[^\r\n]*$/, "Cannot contain CRLF characters.");
/** Parameters are refused but for a calendar's method (sendgrid-java#552, sendgrid-ruby#298). */
const mediaType = matches(/^([^;,\r\n]+|text\/calendar; ?method=[A-Z]+)$/, "The type cannot contain ';', or CRLF characters.");
const notLarge = rule<object>(
  "The combined size may not exceed 10000 bytes.",
  (value) => Buffer.byteLength(JSON.stringify(value)) < ARGUMENTS_BYTES_MAX,
);

export const INVALID_ADDRESS = "Does not contain a valid address.";
/** The local part "invalid" selects this answer; see README.md. */
const address = rule<string>(INVALID_ADDRESS, (value) => isAddress(value) && localPart(value) !== "invalid");
const ascii = matches(/^[ -~]*$/, INVALID_ADDRESS);
const person = (name: Check, ...rules: Parameters<typeof text>) =>
  object({ email: text(address, ...rules), name }, { required: ["email"] });
const recipients = list(
  person(text(matches(/^[^;,]*$/, "The name cannot contain ';' or ','."))),
  atLeastOne("address"),
  atMost(ADDRESSES_MAX, "addresses"),
);
const anyone = person(text());

const headers: Check = (value, path, report) => {
  map(text(oneLine))(value, path, report);
  if (!isFields(value)) return;
  const refuse = (name: string, says: string) => report({ path: [...path, name], problem: "rule", says, value: name });
  for (const name of Object.keys(value)) {
    if (RESERVED_HEADERS.includes(name.toLowerCase())) refuse(name, "Header can not be one of the reserved keys.");
    else if (!/^[!-9;-~]+$/.test(name)) refuse(name, "Header keys cannot contain non-ASCII characters and empty spaces.");
  }
  const names = Object.keys(value).map((name) => name.toLowerCase());
  if (new Set(names).size < names.length) report({ path, problem: "rule", says: "The headers cannot contain duplicate keys.", value });
};

const customArgs = map(
  text(),
  rule("The custom args cannot be empty.", (given) => Object.keys(given).length > 0),
  notLarge,
);
const sections = map(text(), notLarge);
const switchedOn = object({ enable: flag });

const personalization = object(
  {
    from: anyone,
    to: recipients,
    cc: recipients,
    bcc: recipients,
    subject: text(filled),
    headers,
    substitutions: sections,
    dynamic_template_data: map(anything),
    custom_args: customArgs,
    send_at: whole(),
  },
  { required: ["to"] },
  rule("Each email address in the personalization block should be unique between to, cc, and bcc.", (given) => {
    const addresses = ["to", "cc", "bcc"].flatMap((kind) => listOf(given[kind])).map((one) => textOf(fieldsOf(one).email).toLowerCase());
    return new Set(addresses).size === addresses.length;
  }),
);

const attachment = object(
  {
    content: text(filled, { ...isBase64, says: "The attachment content must be base64 encoded." }),
    type: text(filled, mediaType),
    filename: text(filled, oneLine),
    disposition: text({
      ...oneOf("inline", "attachment"),
      says: 'The disposition of your attachment can be either "inline" or "attachment".',
    }),
    content_id: text(oneLine),
  },
  { required: ["content", "filename"] },
);

export const MAIL = object(
  {
    personalizations: list(personalization, atLeastOne("personalization"), atMost(PERSONALIZATIONS_MAX, "personalizations")),
    from: person(text(), ascii),
    reply_to: anyone,
    reply_to_list: list(anyone, atMost(ADDRESSES_MAX, "addresses"), unique),
    subject: text(filled),
    content: list(object({ type: text(filled, mediaType), value: text(filled) }, { required: ["type", "value"] })),
    attachments: list(attachment),
    template_id: text(),
    headers,
    sections,
    categories: list(
      text(
        longest(CATEGORY_CHARACTERS_MAX, "Each category must not be longer than 255 characters."),
        matches(/^[ -~]*$/, "Categories can not contain non-ASCII characters."),
      ),
      atMost(CATEGORIES_MAX, "categories"),
      unique,
    ),
    custom_args: customArgs,
    send_at: whole(),
    batch_id: text(),
    asm: object(
      { group_id: whole(), groups_to_display: list(whole(), atMost(GROUPS_MAX, "unsubscribe groups")) },
      { required: ["group_id"] },
    ),
    ip_pool_name: text(rule("The name has 2 to 64 characters.", ({ length }) => length >= 2 && length <= 64)),
    mail_settings: object({
      bcc: object({ enable: flag, email: text(address) }),
      bypass_list_management: switchedOn,
      bypass_spam_management: switchedOn,
      bypass_bounce_management: switchedOn,
      bypass_unsubscribe_management: switchedOn,
      footer: object({ enable: flag, text: text(), html: text() }),
      sandbox_mode: switchedOn,
      spam_check: object({
        enable: flag,
        threshold: number(rule("The threshold is between 1 and 10.", (value) => value >= 1 && value <= 10)),
        post_to_url: text(isUrl),
      }),
    }),
    tracking_settings: object({
      click_tracking: object({ enable: flag, enable_text: flag }),
      open_tracking: object({ enable: flag, substitution_tag: text() }),
      subscription_tracking: object({ enable: flag, text: text(), html: text(), substitution_tag: text() }),
      ganalytics: object({
        enable: flag,
        ...Object.fromEntries(["source", "medium", "term", "content", "campaign"].map((name) => [`utm_${name}`, text()])),
      }),
    }),
  },
  { required: ["personalizations", "from"] },
);
