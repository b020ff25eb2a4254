import { type Mistake, mistakesIn, typeOf } from "../kit/fields.ts";
import { type Fields, fieldsOf, isFields, listOf, textOf } from "../kit/read.ts";
import { MAIL } from "./fields.ts";

export interface MailFault {
  message: string;
  field?: string | undefined;
}

/** SendGrid: "Mail Send: Limitations" and "Errors: Message". */
const RECIPIENTS_MAX = 1_000;
const SEND_AHEAD_LONGEST_S = 72 * 3_600;
const BYPASSES = ["bypass_spam_management", "bypass_bounce_management", "bypass_unsubscribe_management"];

/** All faults of a v3 mail, one error per field, as documented. @param now seconds since the epoch */
export function mailFaults(mail: unknown, now: number): MailFault[] {
  const faults = mistakesIn(MAIL, mail).map(faultOf);
  return isFields(mail) ? [...faults, ...wholeFaults(mail, now)] : faults;
}

function faultOf({ path, problem, says, value }: Mistake): MailFault {
  const field = path.length === 0 ? "(root)" : path.join(".");
  switch (problem) {
    case "missing":
      return { field, message: `The ${path.at(-1)} parameter is required.` };
    case "type":
      return { field, message: `Invalid type. Expected: ${says}, given: ${typeOf(value)}.` };
    default:
      return { field, message: says };
  }
}

/** What holds between fields. */
function* wholeFaults(mail: Fields, now: number): Iterable<MailFault> {
  const personalizations = listOf(mail.personalizations).map(fieldsOf);
  const recipients = personalizations.flatMap(({ to, cc, bcc }) => [...listOf(to), ...listOf(cc), ...listOf(bcc)]).length;
  if (recipients > RECIPIENTS_MAX)
    yield { field: "personalizations", message: `There is a limit of ${RECIPIENTS_MAX} total recipients (to + cc + bcc) per request.` };
  const hasTemplate = textOf(mail.template_id) !== "";
  const everyHasSubject = personalizations.every(({ subject }) => textOf(subject) !== "");
  if (mail.subject === undefined && !hasTemplate && !everyHasSubject)
    yield { field: "subject", message: "The subject is required, in the mail, in every personalization or in a template." };
  yield* contentFaults(listOf(mail.content), hasTemplate);
  if (mail.reply_to !== undefined && mail.reply_to_list !== undefined)
    yield { field: "reply_to_list", message: "The reply_to_list cannot be used together with reply_to." };
  const times = [
    ["send_at", mail.send_at] as const,
    ...personalizations.map((p, n) => [`personalizations.${n}.send_at`, p.send_at] as const),
  ];
  for (const [field, time] of times)
    if (typeof time === "number" && time > now + SEND_AHEAD_LONGEST_S)
      yield { field, message: "Scheduling more than 72 hours in advance is forbidden." };
  const settings = fieldsOf(mail.mail_settings);
  const isOn = (name: string) => fieldsOf(settings[name]).enable === true;
  if (isOn("bypass_list_management") && BYPASSES.some(isOn))
    yield { field: "mail_settings.bypass_list_management", message: "Cannot be combined with any other bypass filters." };
}

function* contentFaults(content: unknown[], hasTemplate: boolean): Iterable<MailFault> {
  if (content.length === 0 && !hasTemplate) yield { field: "content", message: "There must be at least one defined content block." };
  const types = content.map((block) => textOf(fieldsOf(block).type).toLowerCase());
  const [plain, html] = [types.indexOf("text/plain"), types.indexOf("text/html")];
  if (plain > 0 || html > plain + 1)
    yield { field: "content", message: "If present, text/plain must be first, followed by text/html, followed by any other content." };
}
