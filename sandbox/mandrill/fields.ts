import { isAddress } from "../kit/address.ts";
import {
  anything,
  type Check,
  flag,
  isBase64,
  list,
  longest,
  type Mistake,
  map,
  matches,
  mistakesIn,
  object,
  oneOf,
  rule,
  text,
  textOr,
} from "../kit/fields.ts";
import { type Fields, fieldsOf } from "../kit/read.ts";
import { timeAt } from "../kit/time.ts";

/** Mailchimp Transactional: "Messages: Send new message". Null is as good as absent; names that it lacks are ignored. */
const SUBJECT_CHARACTERS_MAX = 998;
const TAG_CHARACTERS_MAX = 50;
const SEND_AHEAD_LONGEST_MS = 365 * 86_400_000;

const part = (table: Record<string, Check>, required: readonly string[] = []) => object(table, { required, nullIsAbsent: true });
const filled = rule<string>("Please enter a value", (value) => value !== "");
/** An address that is not one makes its recipient "invalid", it does not make the call fail. */
const email = text(filled);
const sender = text(filled, rule("An email address must contain a single @", isAddress));
const word = text(matches(/^[^\r\n]*$/, "Line breaks are not allowed"));
const scalar: Check = (value, path, report) => (["number", "boolean"].includes(typeof value) ? undefined : text()(value, path, report));
const base64 = text({ ...isBase64, says: "The content must be base64-encoded" });
const vars = list(part({ name: text(matches(/^[^_]/, "Names may not start with an underscore")), content: anything }, ["name"]));
const domain = text(matches(/^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/, "Please enter a domain"));

const MESSAGE = part(
  {
    html: text(),
    text: text(),
    subject: text(longest(SUBJECT_CHARACTERS_MAX, `Enter a value less than ${SUBJECT_CHARACTERS_MAX} characters long`)),
    from_email: sender,
    from_name: word,
    to: list(
      part({ email, name: word, type: text(oneOf("to", "cc", "bcc")) }, ["email"]),
      rule("Please enter an array", (to) => to.length > 0),
    ),
    // Each header once, by a name of printable ASCII without colon.
    headers: map(
      word,
      rule("Header names are printable ASCII", (headers) => Object.keys(headers).every((name) => /^[!-9;-~]+$/.test(name))),
    ),
    important: flag,
    track_opens: flag,
    track_clicks: flag,
    auto_text: flag,
    auto_html: flag,
    inline_css: flag,
    url_strip_qs: flag,
    preserve_recipients: flag,
    view_content_link: flag,
    bcc_address: sender,
    tracking_domain: domain,
    signing_domain: domain,
    return_path_domain: domain,
    merge: flag,
    merge_language: text(oneOf("mailchimp", "handlebars")),
    global_merge_vars: vars,
    merge_vars: list(part({ rcpt: email, vars }, ["rcpt"])),
    tags: list(
      text(
        filled,
        longest(TAG_CHARACTERS_MAX, `Tags are at most ${TAG_CHARACTERS_MAX} characters`),
        matches(/^[^_]/, "Tags may not start with an underscore"),
      ),
    ),
    subaccount: text(),
    google_analytics_domains: list(text()),
    google_analytics_campaign: textOr(list(text())),
    metadata: map(scalar),
    recipient_metadata: list(part({ rcpt: email, values: map(scalar) }, ["rcpt"])),
    attachments: list(part({ type: word, name: word, content: base64 }, ["type", "name", "content"])),
    images: list(
      part({ type: text(matches(/^image\//, "The type must start with image/")), name: word, content: base64 }, [
        "type",
        "name",
        "content",
      ]),
    ),
  },
  ["from_email", "to"],
);

const isTime = (value: string) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(value) && !Number.isNaN(timeOf(value));
const timeOf = (value: string) => timeAt(`${value.replace(" ", "T")}Z`);
const requestAt = (now: number) =>
  part(
    {
      message: MESSAGE,
      async: flag,
      ip_pool: text(),
      send_at: text(
        rule("Please enter a time as YYYY-MM-DD HH:MM:SS", isTime),
        rule("You can schedule up to a year ahead", (value) => timeOf(value) <= now + SEND_AHEAD_LONGEST_MS),
      ),
    },
    ["message"],
  );

const NEEDED: Readonly<Record<string, string>> = { array: "Please enter an array", object: "Please enter an array" };
const A_VALUE = "Please enter a value";

function messageOf({ path, problem, says }: Mistake): string {
  if (problem === "rule") return says;
  if (problem === "missing") return path.at(-1) === "to" ? "Please enter an array" : A_VALUE;
  return NEEDED[says] ?? A_VALUE;
}

/** What is wrong with a request of messages/send, nested like the request. @param now ms since the epoch */
export function requestFaults(request: Fields, now: number): Fields | undefined {
  const mistakes = mistakesIn(requestAt(now), request);
  if (mistakes.length === 0) return undefined;
  const faults: Fields = {};
  for (const mistake of mistakes) {
    let at = faults;
    for (const step of mistake.path.slice(0, -1)) {
      const inner = fieldsOf(at[step]);
      at[step] = inner;
      at = inner;
    }
    at[mistake.path.at(-1) ?? ""] = messageOf(mistake);
  }
  return faults;
}

/** Whether it is sent later. @param now ms since the epoch */
export const isScheduled = ({ send_at }: Fields, now: number) => typeof send_at === "string" && timeOf(send_at) > now;
