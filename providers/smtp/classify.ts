import type { Outcome } from "../../core/delivery/outcome.ts";
import { answerTable, gone, misconfigured, rejected, throttled, unavailable } from "../answer-table.ts";
import { fieldOf, textFieldsOf } from "../transport/foreign.ts";
import { classifyTransport } from "../transport/transport-fault.ts";

/** A negative reply (RFC 5321, section 4.2): it says that the command had no effect, also the dot that ends a message. */
export interface SmtpReply {
  /** 400 to 599. */
  code: number;
  /** RFC 3463; undefined where the reply has none. */
  enhanced: string | undefined;
  /** Whether the sender, the login or the connection was rejected, before any recipient was named. */
  isBeforeRecipient: boolean;
}

/** By reply code and enhanced status code, where the code says more. RFC 4954, section 6; 530 5.7.1 is Exchange's. */
const BY_BOTH = answerTable<SmtpReply>({
  "530 5.7.0": misconfigured("authentication-required"),
  "530 5.7.1": misconfigured("authentication-required"),
});

/** By enhanced status code: RFC 3463, unless another source is named. */
const BY_ENHANCED = answerTable<SmtpReply>({
  // X.1: addresses.
  "5.1.1": gone("mailbox-unknown"),
  "5.1.2": gone("domain-unknown"),
  "5.1.3": gone("address-syntax"),
  "5.1.4": rejected("address-ambiguous"),
  "5.1.6": gone("mailbox-moved"),
  "5.1.7": misconfigured("sender-syntax", "sender"),
  "5.1.8": misconfigured("sender-domain", "sender"),
  "5.1.10": gone("domain-takes-no-mail"), // RFC 7505, section 4.2: a null MX
  // X.2: mailboxes.
  "5.2.1": gone("mailbox-disabled"),
  "5.2.2": rejected("mailbox-full"),
  "5.2.3": rejected("too-large"),
  "4.2.1": throttled("mailbox-busy", undefined),
  "4.2.2": throttled("mailbox-full", undefined),
  // X.3: the relay itself.
  "5.3.4": rejected("too-large"),
  "5.3.5": misconfigured("relay-misconfigured"),
  "4.3.0": unavailable("relay-unwell"),
  "4.3.1": unavailable("relay-full"),
  "4.3.2": unavailable("relay-not-accepting"),
  // X.4: the way to the recipient.
  "5.4.6": misconfigured("mail-loop"),
  "4.4.1": unavailable("no-answer-from-host"),
  "4.4.2": unavailable("bad-connection"),
  "4.4.3": unavailable("directory-failure"),
  "4.4.5": throttled("congestion", undefined),
  // X.5: the protocol.
  "5.5.1": misconfigured("invalid-command"),
  "5.5.2": misconfigured("syntax"),
  "5.5.4": misconfigured("invalid-arguments"),
  "4.5.3": throttled("too-many-recipients", undefined),
  // X.6: the content; 5.6.7 is RFC 6531, section 3.5.
  "5.6.0": rejected("content"),
  "5.6.7": rejected("smtputf8-needed"),
  // X.7: policy.
  "5.7.0": rejected("policy"),
  "5.7.1": rejected("not-authorized"),
  "4.7.0": throttled("policy", undefined),
  "4.7.1": throttled("policy", undefined),
  // RFC 4954, section 6.
  "5.7.8": misconfigured("authentication"),
  "5.7.9": misconfigured("authentication-too-weak"),
  "5.7.11": misconfigured("encryption-required"),
  "4.7.12": misconfigured("password-transition"),
  // RFC 5248, section 2.4.
  "5.7.13": misconfigured("account-disabled"),
  // RFC 7372, section 3: the sender's domain fails DKIM, SPF, reverse DNS or several of them.
  "5.7.20": misconfigured("dkim-missing", "sender"),
  "5.7.21": misconfigured("dkim-unacceptable", "sender"),
  "5.7.22": misconfigured("dkim-author-mismatch", "sender"),
  "5.7.23": misconfigured("spf", "sender"),
  "5.7.24": misconfigured("spf-error", "sender"),
  "5.7.25": misconfigured("reverse-dns"),
  "5.7.26": misconfigured("sender-authentication", "sender"),
  "5.7.27": misconfigured("sender-domain-takes-no-mail", "sender"), // RFC 7505, section 4.1
  // IANA's registry of enhanced status codes: a flood of mail.
  "4.7.28": throttled("too-fast", undefined),
  "5.7.28": throttled("too-fast", undefined),
});

/** By reply code: RFC 5321, section 4.2.3, unless another source is named. */
const BY_CODE = answerTable<SmtpReply>({
  421: unavailable("smtp-421"),
  432: misconfigured("password-transition"), // RFC 4954, section 4.7.12
  450: throttled("mailbox-busy", undefined),
  451: unavailable("smtp-451"),
  452: unavailable("relay-full"),
  454: unavailable("smtp-454"), // RFC 4954, RFC 3207: temporary failure of authentication or TLS
  455: unavailable("smtp-455"),
  500: misconfigured("syntax"),
  501: misconfigured("invalid-arguments"),
  502: misconfigured("invalid-command"),
  503: misconfigured("invalid-command"),
  504: misconfigured("invalid-arguments"),
  530: misconfigured("authentication-required"), // RFC 4954
  534: misconfigured("authentication-too-weak"), // RFC 4954
  535: misconfigured("authentication"), // RFC 4954
  538: misconfigured("encryption-required"), // RFC 4954
  // "Not found, no access, or rejected for policy reasons": not enough to declare an address dead.
  550: rejected("smtp-550"),
  551: rejected("smtp-551"),
  552: rejected("too-large"),
  553: rejected("smtp-553"),
  554: rejected("smtp-554"),
  555: misconfigured("invalid-arguments"),
  556: gone("domain-takes-no-mail"), // RFC 7504
});

export const SMTP_CODES = [...BY_BOTH.codes, ...BY_ENHANCED.codes, ...BY_CODE.codes];

/** Reasons that are about the content even where the sender's command is answered: the size is announced with it (RFC 1870). */
const ABOUT_CONTENT = new Set(["too-large", "smtputf8-needed"]);

/** The outcome of a negative reply. What no table lists: 4yz is unavailable, 5yz rejected. */
export function classifyReply(reply: SmtpReply): Outcome {
  const { code, enhanced, isBeforeRecipient } = reply;
  const outcome =
    BY_BOTH.outcomeOf(`${code} ${enhanced}`, reply) ??
    BY_ENHANCED.outcomeOf(enhanced, reply) ??
    BY_CODE.outcomeOf(code, reply) ??
    (code < 500 ? unavailable(`smtp-${code}`) : rejected(`smtp-${code}`));
  const isAboutUs = isBeforeRecipient && (outcome.kind === "rejected" || outcome.kind === "endpoint-gone");
  if (isAboutUs && !ABOUT_CONTENT.has(outcome.reason)) return misconfigured(outcome.reason);
  const isAboutRelay = isBeforeRecipient || code === 421 || /^4\.3\./.test(enhanced ?? "");
  // The recipient's mailbox, domain or the way there: other mail goes on.
  return !isAboutRelay && (outcome.kind === "throttled" || outcome.kind === "unavailable") ? { ...outcome, scope: "endpoint" } : outcome;
}

/** SMTPConnection's own codes for broken connections without one of Node's, by the name that classifyTransport has for them. */
const BREAKS: Readonly<Record<string, string>> = {
  ECONNECTION: "ECONNRESET",
  ETLS: "EPROTO",
  EDNS: "ENOTFOUND",
  EPROTOCOL: "HPE_INVALID_CONSTANT",
  EMESSAGE: "HPE_INVALID_CONSTANT",
  EENVELOPE: "HPE_INVALID_CONSTANT",
};

/**
 * A syntax error in reply to RCPT is about the recipient's address: it must not open the account's circuit for everybody. Enhanced codes about the
 * sender (5.1.7, 5.1.8) and about policy (5.7.x) keep their own outcome.
 */
const isAboutAddress = (command: string, { code, enhanced }: { code: number; enhanced?: string | undefined }) =>
  command.startsWith("RCPT") && [500, 501, 504, 555].includes(code) && !/^5\.(1\.[78]|7\.)/.test(enhanced ?? "");

/** The outcome of a submission that failed: by the server's reply where it gave one, else by whether the dot had been written. */
export function classifyFailure({ error, dotWritten }: { error: unknown; dotWritten: boolean }): Outcome {
  const field = textFieldsOf(error);
  const command = field("command");
  const reply = parseReply(field("response"));
  // A permanent reply: the relay does not do STARTTLS. Nothing is sent unencrypted instead.
  if (reply !== undefined && command === "STARTTLS" && reply.code >= 500) return misconfigured("starttls-not-offered");
  if (reply !== undefined) {
    const outcome = classifyReply({ ...reply, isBeforeRecipient: !dotWritten && !/^(RCPT|DATA)/.test(command) });
    if (outcome.kind !== "misconfigured") return outcome;
    if (isAboutAddress(command, reply)) return rejected(outcome.reason);
    return command === "MAIL FROM" ? { ...outcome, scope: "sender" } : outcome;
  }
  if (command.startsWith("AUTH") && fieldOf(error, "code") === "EAUTH") return classifyToken(error);
  if (command === "MAIL FROM" && field("code") === "EMESSAGE") return rejected("too-large"); // over the size that EHLO named
  const code = BREAKS[field("code")];
  const links = [{ code: field("originalCode") }, { code }, error];
  return classifyTransport({ errors: links }, { written: dotWritten });
}

/** No access token: a system call failed on the way to its server, which may work later, or the refresh token or client is wrong. */
const classifyToken = (error: unknown): Outcome =>
  textFieldsOf(error)("syscall") === "" ? misconfigured("oauth2-token") : unavailable("oauth2-unreachable");

/** Of a reply's first line; undefined where it is no negative reply. */
function parseReply(text: string): Pick<SmtpReply, "code" | "enhanced"> | undefined {
  const [, code, enhanced] = /^([45]\d\d)(?:[ -]([245]\.\d{1,3}\.\d{1,3})(?=\s|$))?/.exec(text) ?? [];
  return code === undefined ? undefined : { code: Number(code), enhanced };
}

/** Where servers put the id of their queue: Postfix, Exim, Sendmail, Amazon SES. */
const QUEUE_IDS = [
  /\bqueued as ([\w.-]{4,64})/i,
  /\bid=([\w-]{4,64})/,
  /^250 (?:2\.\d+\.\d+ )?([\w.-]{8,64}) Message accepted for delivery/i,
  /^250 Ok ([0-9a-f-]{20,64})$/i,
];

/** The server's own id for the message; undefined where its reply has none. */
export function providerRefOf({ reply, serverMessageId }: { reply: string; serverMessageId: string | undefined }): string | undefined {
  for (const queueId of QUEUE_IDS) {
    const id = queueId.exec(reply)?.[1];
    if (id !== undefined) return id;
  }
  return serverMessageId;
}
