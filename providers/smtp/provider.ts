import type SMTPConnection from "nodemailer/lib/smtp-connection";
import type { SMTPConnectionAuth, SMTPConnectionOptions } from "nodemailer/lib/smtp-connection";
import XOAuth2 from "nodemailer/lib/xoauth2";
import { notCalled, unsendable } from "../../core/delivery/outcome.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { ALWAYS, type Provider } from "../../core/ports/provider.ts";
import { ConfigError } from "../../runtime/config.ts";
import { unavailable } from "../answer-table.ts";
import { blameContent } from "../email-outcome.ts";
import { textFieldsOf } from "../transport/foreign.ts";
import { trusting } from "../transport/provider-connections.ts";
import { classifyFailure, providerRefOf } from "./classify.ts";
import { credentialsFault, type SmtpConfig } from "./config.ts";
import { createConnectionSlots } from "./connection-slots.ts";
import { type BounceSettings, buildSmtpMail } from "./payload.ts";
import { close, messageStream, type Submitting, submit } from "./submit.ts";

/**
 * Connections of one process at once. Relays allow few from one address (Postfix: 50, smtpd_client_connection_count_limit), and every pod has its
 * own: 20 leave room for two of them, and at 200 ms a mail they are 100 mails a second.
 */
export const SMTP_CONNECTIONS_MAX = 20;
/** The longest reply worth reading, in bytes: RFC 5321 allows 512 a line. */
const REPLY_BYTES_MAX = 65_536;

/** Any SMTP relay, by nodemailer's SMTPConnection. One connection carries one message. Throws ConfigError where credentials cannot be used. */
export function createSmtpProvider(config: SmtpConfig, { clock }: { clock: Clock }): Provider {
  const fault = credentialsFault(config);
  if (fault !== undefined) throw new ConfigError([fault]);
  const submitting: Submitting = { options: optionsOf(config), auth: authOf(config), open: new Set<SMTPConnection>() };
  const slots = createConnectionSlots(SMTP_CONNECTIONS_MAX);
  const bounces = bouncesOf(config);
  return {
    name: "smtp",
    async send(delivery, signal, mayBegin = ALWAYS) {
      const mail = await buildSmtpMail(delivery, config, clock.now(), bounces);
      if (typeof mail === "string") return unsendable(mail);
      // Half of the deadline is left for the call: one that began late would often end after its final dot, in doubt.
      const waiting = AbortSignal.any([signal, AbortSignal.timeout(config.PROVIDER_DEADLINE_MS / 2)]);
      const giveBack = await slots.hold(waiting).catch(() => undefined);
      if (giveBack === undefined) return signal.aborted ? unavailable("deadline") : notCalled("no-connection-slot");
      // The server takes nothing before the final dot (RFC 5321, section 4.1.1.4), so the message's first byte is the one that counts.
      const tooLate = new AbortController();
      const begin = () => mayBegin() || tooLate.abort();
      const limit = AbortSignal.any([signal, tooLate.signal]);
      const submitted = await submit(submitting, { ...mail, message: messageStream(mail.message, begin) }, limit);
      // After the message the connection stays open until QUIT is answered.
      void submitted.closed.then(giveBack);
      if (submitted.kind === "accepted") return { kind: "accepted", providerRef: providerRefOf(submitted) ?? mail.messageId };
      if (submitted.kind === "not-utf8") return { kind: "rejected", reason: "smtputf8-not-offered" };
      const outcome = classifyFailure(submitted);
      // The envelope's sender is ours then, whatever the content names.
      const isOwnPath = bounces !== undefined && textFieldsOf(submitted.error)("command") === "MAIL FROM";
      return isOwnPath ? outcome : blameContent(outcome, delivery, { senders: config });
    },
    async [Symbol.asyncDispose]() {
      for (const connection of submitting.open) close(connection, submitting.open);
    },
  };
}

const bouncesOf = (config: SmtpConfig): BounceSettings | undefined =>
  config.SMTP_BOUNCE_DOMAIN === ""
    ? undefined
    : { domain: config.SMTP_BOUNCE_DOMAIN, keys: config.SMTP_BOUNCE_KEY_FILE, reportsSuccess: config.SMTP_DSN_SUCCESS };

function optionsOf(config: SmtpConfig): SMTPConnectionOptions {
  const secureContext = trusting(config.PROVIDER_CA_FILE);
  // The call's own signal comes first; these only bound a connection that no call waits for any more.
  const limitMs = config.PROVIDER_DEADLINE_MS;
  return {
    host: config.SMTP_HOST,
    port: config.SMTP_PORT,
    secure: config.SMTP_SECURITY === "tls",
    requireTLS: config.SMTP_SECURITY === "starttls",
    ignoreTLS: config.SMTP_SECURITY === "none",
    tls: secureContext === undefined ? {} : { secureContext },
    connectionTimeout: limitMs,
    greetingTimeout: limitMs,
    dnsTimeout: limitMs,
    socketTimeout: limitMs,
    // Destroyed, not ended: nothing of an abandoned message is flushed.
    socketCloseTimeout: 0,
    maxResponseSize: REPLY_BYTES_MAX,
    allowInternalNetworkInterfaces: true,
    logger: false,
  };
}

function authOf(config: SmtpConfig): SMTPConnectionAuth | undefined {
  if (config.SMTP_USER === "") return undefined;
  if (config.SMTP_PASSWORD_FILE !== "") return { user: config.SMTP_USER, pass: config.SMTP_PASSWORD_FILE };
  const ca = trusting(config.PROVIDER_CA_FILE);
  const oauth2 = new XOAuth2({
    user: config.SMTP_USER,
    accessToken: config.SMTP_OAUTH2_ACCESS_TOKEN_FILE || undefined,
    clientId: config.SMTP_OAUTH2_CLIENT_ID,
    clientSecret: config.SMTP_OAUTH2_CLIENT_SECRET_FILE,
    refreshToken: config.SMTP_OAUTH2_REFRESH_TOKEN_FILE || undefined,
    accessUrl: config.SMTP_OAUTH2_TOKEN_URL,
    requestTimeout: config.PROVIDER_DEADLINE_MS,
    ...(ca === undefined ? {} : { tls: { secureContext: ca } }),
  });
  // Errors reach the call that wanted the token; an emitter without a listener would throw.
  oauth2.on("error", () => undefined);
  return { user: config.SMTP_USER, method: "XOAUTH2", oauth2 };
}
