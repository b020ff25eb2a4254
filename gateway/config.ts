import { natsVariables } from "../adapters/nats/connect.ts";
import { streamVariables } from "../adapters/nats/streams.ts";
import { watchdogVariables } from "../adapters/nats/watchdog-config.ts";
import { optOutVariables } from "../adapters/opt-outs/open-opt-outs.ts";
import { storeVariables } from "../adapters/store/store-config.ts";
import { SENDER_NAME, SMS_PREFIX } from "../core/apps/limits.ts";
import { isPushHostPattern, PUSH_HOSTS } from "../core/content/push-host.ts";
import { CHANNELS } from "../core/delivery/channel.ts";
import { isAllowance } from "../core/delivery/email-address.ts";
import type { QuotaDefaults } from "../core/quotas/app-quota.ts";
import { flag, integer, list, listOf, ms, optionalHostPort, text, type Values, watchedFile } from "../runtime/config.ts";
import { KEY_CACHE_MS_MAX } from "./api-keys.ts";
import { ERASURE_KEY_FILE } from "./erasure/erasure-key.ts";

export const gatewayVariables = {
  ...storeVariables,
  ...natsVariables,
  ...streamVariables,
  ...watchdogVariables,
  ...optOutVariables,
  GATEWAY_LISTEN: text({ default: "0.0.0.0:7700", reason: "host:port callers connect to" }),
  GATEWAY_HTTP_LISTEN: optionalHostPort({
    default: "",
    reason:
      "host:port that serves the same calls as JSON over HTTP/1.1 (Connect), for curl and whoever has no gRPC, with the same TLS and the same limits; empty: gRPC only",
  }),
  GATEWAY_TLS_CERT_FILE: watchedFile({ default: "", reason: "PEM certificate chain; empty: plain text, for a mesh or a laptop" }),
  GATEWAY_TLS_KEY_FILE: watchedFile({ default: "", reason: "PEM key of GATEWAY_TLS_CERT_FILE" }),
  GATEWAY_TLS_CLIENT_CA_FILE: watchedFile({
    default: "",
    reason: "PEM authorities whose certificates callers must show, beside their API key; empty: they are not asked for one",
  }),
  GATEWAY_REFLECTION: flag({ default: "true", reason: "gRPC server reflection, for grpcurl; off to hide the contract" }),
  OPEN_NOTIFICATIONS_MAX: integer(1, 100_000_000, {
    default: "2000000",
    unit: "notifications",
    reason:
      "accepted, not ended and not scheduled for later; one with many endpoints or bytes counts several times. Beyond it sends are rejected with " +
      "RESOURCE_EXHAUSTED, marketing already at 70% of it and transactional at 90%. About 20 min of ten times the average",
  }),
  INSERTS_WAITING_MAX: integer(1, 1_000_000, {
    default: "20000",
    unit: "notifications",
    reason:
      "waiting for one group insert; beyond it sends are rejected. One app alone may use half of it, several greedy ones leave room for the others. " +
      "About 2 s of inserts",
  }),
  APP_RATE_PER_SECOND: integer(1, 100_000, {
    default: "2000",
    unit: "notifications/s",
    reason:
      "what an app may send on average that has no rate of its own (carillon app limits); beyond it RESOURCE_EXHAUSTED with RetryInfo. Ten times the average " +
      "load of the whole system, so that one app alone is not limited, and a loop without end is. A notification to many endpoints counts several times",
  }),
  APP_BURST: integer(1, 1_000_000, {
    default: "20000",
    unit: "notifications",
    reason: "what such an app may send at once after a quiet time: 10 s of APP_RATE_PER_SECOND",
  }),
  APP_CALLS_PER_SECOND: integer(1, 100_000, {
    default: "1000",
    unit: "calls/s",
    reason:
      "what an app may call on average besides sends: of contacts, of preferences, GetNotification, PreviewNotification, which counts as ten, ListNotifications, which counts as twenty, and CancelNotifications, of which a page counts as a hundred; beyond it RESOURCE_EXHAUSTED with RetryInfo. Ten " +
      "questions or changes of one preferences call count as a call. Ample for an app that registers each of its users once; a loop without end leaves the store to the sends",
  }),
  APP_CALLS_BURST: integer(1, 1_000_000, {
    default: "5000",
    unit: "calls",
    reason: "what an app may call at once after a quiet time: 5 s of APP_CALLS_PER_SECOND",
  }),
  APP_OPEN_MAX: integer(0, 100_000_000, {
    default: "1000000",
    unit: "notifications",
    reason: "open ones of an app without a bound of its own: half of OPEN_NOTIFICATIONS_MAX, so that no app uses up all of it",
  }),
  APP_SCHEDULED_MAX: integer(0, 100_000_000, {
    default: "1000000",
    unit: "notifications",
    reason: "scheduled ones of an app without a bound of its own: about 1 GB in the store",
  }),
  APP_SMS_DAILY_MAX: integer(0, 1_000_000_000, {
    default: "1000000",
    unit: "SMS per class",
    reason: "of an app without a ceiling of its own, per day (UTC): each SMS costs money, and fraud by SMS pumping is made of many",
  }),
  SMS_PREFIXES: listOf((text) => SMS_PREFIX.test(text), "beginning of a number, such as +49 or +1415", {
    default: "",
    reason:
      "beginnings of the numbers that an app without a list of its own may send SMS to; empty: every country. Premium-rate, shared-cost and satellite " +
      "numbers only where a prefix names their range, because SMS pumping earns from them",
  }),
  SMS_SENDERS: listOf((name) => SENDER_NAME.test(name), "name of a sender, such as orders", {
    default: "",
    reason:
      "names (sms.sender) that an app without a list of its own may send SMS under; empty: none, so that its SMS come from the account's default " +
      "sender. The dispatchers know what each name stands for (their accounts' variables that end in _SENDERS)",
  }),
  EMAIL_FROM_APPS: listOf(isAllowance, "addresses, or domains as @example.org", {
    default: "",
    reason:
      "senders that the mails of an app without a list of its own may name in `from`; empty: none, so that its mails are from the account's default " +
      "sender. The account must have them too (EMAIL_FROM, EMAIL_FROM_ALLOWED)",
  }),
  ERASURE_KEY_FILE,
  KEY_CACHE_MS: ms(0, KEY_CACHE_MS_MAX, {
    default: "2000",
    reason: "how long an app's keys and limits are cached, and so how long a revoked key stays valid; the maximum keeps that within 5 s",
  }),
  CHANNELS_SERVED: list(CHANNELS, {
    default: CHANNELS.join(","),
    reason: "channels that have a dispatcher; what can only be sent by others is rejected, and would otherwise wait until it expires",
  }),
  WEBPUSH_HOSTS: listOf(isPushHostPattern, "host, host:port or *.domain", {
    default: PUSH_HOSTS.join(","),
    reason: "push services that a subscription may name; without this list callers could have us call any host",
  }),
};

/** Client certificates are requested only if GATEWAY_TLS has authorities to verify them. */
export const GATEWAY_TLS = {
  cert: "GATEWAY_TLS_CERT_FILE",
  key: "GATEWAY_TLS_KEY_FILE",
  ca: "GATEWAY_TLS_CLIENT_CA_FILE",
  caIsOptional: true,
} as const;

/** What applies to an app whose record does not say otherwise. */
export const quotaDefaults = (config: Values<typeof gatewayVariables>): QuotaDefaults => ({
  ratePerSecond: config.APP_RATE_PER_SECOND,
  burst: config.APP_BURST,
  openMax: config.APP_OPEN_MAX,
  scheduledMax: config.APP_SCHEDULED_MAX,
  smsDailyMax: config.APP_SMS_DAILY_MAX,
});

/** Prefixes of the numbers that may be sent SMS; undefined: those of every country. */
export const smsPrefixes = ({ SMS_PREFIXES }: Pick<Values<typeof gatewayVariables>, "SMS_PREFIXES">) =>
  SMS_PREFIXES.length > 0 ? SMS_PREFIXES : undefined;
