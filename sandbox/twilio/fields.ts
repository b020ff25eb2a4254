import { between, type Check, isUrl, list, longest, matches, mistakesIn, oneOf, type Rule, rule, text } from "../kit/fields.ts";
import { isFields, parseJson } from "../kit/read.ts";
import { timeAt } from "../kit/time.ts";

/** What of a form Twilio rejects, by its error code and in its words. */
export interface FormFault {
  code: number;
  message: string;
}

interface Field {
  check: Check;
  code: number;
  message: string;
  /** Twilio takes it several times. */
  repeated?: true;
}

/** Twilio: "Messages resource", "Error and Warning Dictionary", "Message Scheduling". */
const BODY_CHARACTERS_MAX = 1_600;
const URL_CHARACTERS_MAX = 4_000;
const MEDIA_MAX = 10;
const VALIDITY_LONGEST_S = 36_000;
const SEND_AHEAD_SHORTEST_S = 900;
const SEND_AHEAD_LONGEST_S = 35 * 86_400;
/** Twilio documents no code of its own for these fields; this one is the general one for parameters. */
const INVALID_PARAMETER = 20001;

const asNumber = (inner: Rule<number>): Rule<string> => rule(inner.says, (value) => /^\d{1,9}$/.test(value) && inner.holds(Number(value)));
const sid = (prefix: string) => text(matches(new RegExp(`^${prefix}[0-9a-f]{32}$`), `${prefix} and 32 hexadecimal digits`));
const field = (check: Check, code: number, message: string): Field => ({ check, code, message });
const parameter = (name: string, check: Check): Field => field(check, INVALID_PARAMETER, `Invalid parameter: ${name}`);
const choice = (name: string, ...values: string[]) => parameter(name, text(oneOf(...values)));
const yesOrNo = (name: string) => parameter(name, text(matches(/^(true|false)$/i, "true or false")));
const isJsonObject = rule<string>("a JSON object", (value) => isFields(parseJson(value)));
const isHost = rule<string>("a host name without underscores", (value) => !new URL(value).hostname.includes("_"));
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const isTime = rule<string>("ISO 8601 in UTC", (value) => TIME.test(value) && !Number.isNaN(timeAt(value)));

/** The parameters of a new message. Others are ignored, as by Twilio. */
const FIELDS: Readonly<Record<string, Field>> = {
  Body: field(
    text(longest(BODY_CHARACTERS_MAX)),
    21617,
    `The concatenated message body exceeds the ${BODY_CHARACTERS_MAX} character limit`,
  ),
  MediaUrl: { ...field(list(text(isUrl, longest(URL_CHARACTERS_MAX))), 21620, "Invalid media URL(s)"), repeated: true },
  StatusCallback: field(text(isUrl, isHost, longest(URL_CHARACTERS_MAX)), 21609, "The StatusCallback URL is not a valid URL."),
  ValidityPeriod: field(text(asNumber(between(1, VALIDITY_LONGEST_S))), 21624, "The ValidityPeriod is out of range."),
  MaxPrice: field(text(matches(/^\d+(\.\d+)?$/, "a number")), 21627, "Max Price must be a valid float"),
  MessagingServiceSid: field(sid("MG"), 21705, "The Messaging Service SID is invalid"),
  SendAt: field(text(isTime), 35114, "Scheduling does not support this timestamp"),
  ApplicationSid: parameter("ApplicationSid", sid("AP")),
  ContentSid: parameter("ContentSid", sid("HX")),
  ContentVariables: parameter("ContentVariables", text(isJsonObject)),
  Attempt: parameter("Attempt", text(asNumber(between(1, Number.POSITIVE_INFINITY)))),
  ScheduleType: choice("ScheduleType", "fixed"),
  ContentRetention: choice("ContentRetention", "retain", "discard"),
  AddressRetention: choice("AddressRetention", "retain", "obfuscate"),
  TrafficType: choice("TrafficType", "free"),
  RiskCheck: choice("RiskCheck", "enable", "disable"),
  MessageIntent: choice(
    "MessageIntent",
    ...[
      "otp",
      "notifications",
      "marketing",
      "fraud",
      "security",
      "customercare",
      "delivery",
      "education",
      "polling",
      "announcements",
      "events",
    ],
  ),
  PersistentAction: { ...parameter("PersistentAction", list(text())), repeated: true },
  SmartEncoded: yesOrNo("SmartEncoded"),
  ProvideFeedback: yesOrNo("ProvideFeedback"),
  ForceDelivery: yesOrNo("ForceDelivery"),
  ShortenUrls: yesOrNo("ShortenUrls"),
  SendAsMms: yesOrNo("SendAsMms"),
};

/** What holds between fields. */
const RULES: readonly [broken: (form: URLSearchParams, now: number) => boolean, code: number, message: string][] = [
  [(form) => !form.get("To"), 21604, "A 'To' phone number is required."],
  [(form) => !form.get("From") && !form.get("MessagingServiceSid"), 21603, "A 'From' phone number is required."],
  [(form) => !["Body", "MediaUrl", "ContentSid"].some((name) => form.get(name)), 21602, "Message body is required."],
  [(form) => form.getAll("MediaUrl").length > MEDIA_MAX, 21623, "Number of media files exceeds allowed limit"],
  [(form) => form.get("To") === form.get("From"), 21266, "'To' and 'From' number cannot be the same"],
  [(form) => form.has("ScheduleType") && !form.get("SendAt"), 35111, "SendAt cannot be empty for ScheduleType 'fixed'"],
  [(form) => form.has("ScheduleType") && !form.get("MessagingServiceSid"), 35118, "MessagingServiceSid is required to schedule a message"],
  [
    (form, now) => form.has("ScheduleType") && !isAhead(Date.parse(form.get("SendAt") ?? "") - now),
    35115,
    `SendAt time must be between ${SEND_AHEAD_SHORTEST_S} seconds and 35 days (${SEND_AHEAD_LONGEST_S} seconds) in the future, inclusive`,
  ],
  [(form) => form.has("ContentVariables") && !form.has("ContentSid"), INVALID_PARAMETER, "ContentVariables needs a ContentSid"],
  [
    (form) => form.get("ShortenUrls") === "true" && !form.get("MessagingServiceSid"),
    INVALID_PARAMETER,
    "ShortenUrls needs a MessagingServiceSid",
  ],
];

const isAhead = (ms: number) => ms >= SEND_AHEAD_SHORTEST_S * 1_000 && ms <= SEND_AHEAD_LONGEST_S * 1_000;

/** @param now ms since the epoch */
export function formFault(form: URLSearchParams, now: number): FormFault | undefined {
  for (const name of new Set(form.keys())) {
    const row = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    const values = form.getAll(name);
    if (row !== undefined && mistakesIn(row.check, row.repeated ? values : values.at(-1)).length > 0)
      return { code: row.code, message: row.message };
  }
  const broken = RULES.find(([isBroken]) => isBroken(form, now));
  return broken && { code: broken[1], message: broken[2] };
}

/** Each parameter by name; one that came several times as a list. */
export const formPayload = (form: URLSearchParams): Record<string, string | string[]> =>
  Object.fromEntries(
    [...new Set(form.keys())].map((name) => {
      const values = form.getAll(name);
      return [name, values.length > 1 ? values : (values[0] ?? "")];
    }),
  );
