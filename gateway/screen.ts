import { notificationId } from "../adapters/ids.ts";
import type { AppRecord } from "../core/apps/app.ts";
import { smsDestinationAllowed } from "../core/apps/sms-destination.ts";
import type { Channel } from "../core/delivery/channel.ts";
import { isAllowedBy } from "../core/delivery/email-address.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { Notification } from "../gen/carillon/v1/notification_service.ts";
import { type CallError, callError, invalidRequest, type Violation } from "../runtime/call-error.ts";
import { namesText } from "../runtime/text.ts";
import { checkRequest, checkTargets, type Fault, namesChannels } from "./check.ts";
import { OPEN_WITHIN_MS } from "./load.ts";
import { overrideError } from "./overrides.ts";
import { payloadHash } from "./payload-hash.ts";
import { type NotificationRequest, toRequest } from "./request.ts";
import { channelsOf, type Target } from "./route.ts";

/** Senders that an error lists: an app may have a hundred. */
const NAMES_MAX = 10;

/** A notification as received, with the .proto rules that it breaks. */
export interface AcceptItem {
  message: Notification | undefined;
  /** Its path in the request; the fields of `violations` begin with it. */
  path: string;
  violations: readonly Violation[];
  /** It is checked and answered, and nothing is stored; absent: false. */
  validateOnly?: boolean;
}

/** An item that keeps the .proto rules, with its index in the call. */
export interface Candidate {
  index: number;
  path: string;
  request: NotificationRequest;
  channels: Channel[];
  id: string;
  hash: string;
  /** Whether it counts as scheduled, not as open: the store counts by the same time. Judged once, so that it is given back as it was counted. */
  scheduled: boolean;
  /** The rule it breaks that .proto cannot express. A key that was accepted before gets its first answer all the same. */
  error: CallError | undefined;
  validateOnly: boolean;
}

/** Checks an item by itself and by what its app may use. Pure. */
export function screen(
  app: AppRecord,
  { message, path, violations, validateOnly = false }: AcceptItem,
  index: number,
  s: {
    now: number;
    pushHosts: readonly string[];
    smsPrefixes: readonly string[] | undefined;
    smsSenders: readonly string[];
    emailFrom: readonly string[];
    channelsServed: readonly Channel[];
  },
): Candidate | CallError {
  if (violations.length > 0 || message === undefined) return invalidRequest(violations);
  const request = toRequest(message);
  const channels = channelsOf(request, app.channels, s.channelsServed);
  const settings = app.categories?.find(({ name }) => name === request.category);
  const faults = checkRequest(request, namesChannels(request) ? channels : [], { ...s, settings });
  const error =
    faults.length > 0
      ? faultsError(path, faults)
      : (channelError(app, request, channels, path) ??
        servedError(request, channels, path, s.channelsServed) ??
        classError(app, request, path) ??
        senderError(app, request, path, s.smsSenders) ??
        fromError(app, request, path, s.emailFrom) ??
        overrideError(app, request.content, path) ??
        recipientError(app, request, path, s.smsPrefixes));
  const scheduled = request.sendAt !== undefined && request.sendAt > s.now + OPEN_WITHIN_MS;
  const id = notificationId(app.id, request.idempotencyKey);
  return { index, path, request, channels, id, hash: payloadHash(request), scheduled, error, validateOnly };
}

/** The rule that it breaks for the channels of its recipient's endpoints. */
export function targetsError({ request, path }: Candidate, targets: readonly Target[]): CallError | undefined {
  const faults = checkTargets(request, targets);
  return faults.length > 0 ? faultsError(path, faults) : undefined;
}

export const faultsError = (path: string, faults: readonly Fault[]) =>
  invalidRequest(faults.map((f) => ({ ...f, field: `${path}.${f.field}` })));

function channelError(app: AppRecord, request: NotificationRequest, channels: readonly Channel[], path: string): CallError | undefined {
  const field = request.channels.length > 0 ? `${path}.channels` : `${path}.content`;
  const forbidden = channels.filter((c) => !app.channels.includes(c));
  if (forbidden.length === 0 && channels.length > 0) return undefined;
  const which = forbidden.length > 0 ? forbidden.join(", ") : "any channel this content serves";
  const violation = { field, rule: "app.channel", message: `this app may not use ${which}` };
  return callError("FAILED_PRECONDITION", "CHANNEL_NOT_ENABLED", `${field}: ${violation.message}`, { fields: [violation] });
}

/** Channels that no dispatcher sends for: a notification would wait for one until it expires. */
function servedError(request: NotificationRequest, channels: readonly Channel[], path: string, served: readonly Channel[]) {
  const unserved = channels.filter((c) => !served.includes(c));
  if (unserved.length === 0) return undefined;
  const violation = {
    field:
      request.channels.length > 0
        ? `${path}.channels`
        : request.recipient.kind === "endpoint"
          ? `${path}.recipient.endpoint`
          : `${path}.content`,
    rule: "channel.served",
    message: `this installation sends nothing by ${unserved.join(", ")}; it serves ${served.join(", ") || "no channel"}`,
  };
  return callError("FAILED_PRECONDITION", "CHANNEL_NOT_SERVED", `${violation.field}: ${violation.message}`, { fields: [violation] });
}

function classError({ limits }: AppRecord, { notificationClass }: NotificationRequest, path: string): CallError | undefined {
  if (!limits.classes || limits.classes.includes(notificationClass)) return undefined;
  const violation = {
    field: `${path}.notification_class`,
    rule: "app.class",
    message: `this app may not send ${notificationClass}; it may send ${limits.classes.join(", ")}`,
  };
  return callError("FAILED_PRECONDITION", "CLASS_NOT_ENABLED", `${violation.field}: ${violation.message}`, { fields: [violation] });
}

/** Whether the app may use the sender that a text names. Only dispatchers know which senders accounts have: they end a delivery whose sender has none. */
function senderError({ limits }: AppRecord, { content }: NotificationRequest, path: string, senders: readonly string[]) {
  const name = content.sms?.sender;
  const allowed = limits.smsSenders ?? senders;
  if (name === undefined || allowed.includes(name)) return undefined;
  const which = allowed.length > 0 ? `it may use ${namesText(allowed, NAMES_MAX)}` : "it may use none by name";
  return senderNotAllowed(
    `${path}.content.sms.sender`,
    `is no sender that this app may use; ${which} (carillon app limits set --sms-senders, or SMS_SENDERS)`,
  );
}

/** Whether the app may use the `from` of a mail. An account's list holds the senders of all apps that it serves; only the app's own keeps it from using another's. */
function fromError({ limits }: AppRecord, { content }: NotificationRequest, path: string, installation: readonly string[]) {
  const address = content.email?.from?.address;
  const allowed = limits.emailFrom ?? installation;
  if (address === undefined || isAllowedBy(allowed, address)) return undefined;
  const which = allowed.length > 0 ? `it may use ${namesText(allowed, NAMES_MAX)}, and` : "it may use none by name, but";
  return senderNotAllowed(
    `${path}.content.email.from`,
    `is no sender that this app may use; ${which} a mail without from is from the account's sender (carillon app limits set --email-from, or EMAIL_FROM_APPS)`,
  );
}

const senderNotAllowed = (field: string, message: string): CallError =>
  callError("FAILED_PRECONDITION", "SENDER_NOT_ALLOWED", `${field}: ${message}`, { fields: [{ field, rule: "app.sender", message }] });

/** Where an app may send SMS: by its own list of prefixes, else by the installation's. */
export const maySendSms = ({ limits }: AppRecord, endpoint: Endpoint | undefined, prefixes: readonly string[] | undefined): boolean =>
  endpoint?.channel !== "sms" || smsDestinationAllowed(endpoint.phoneNumber, limits.smsPrefixes ?? prefixes);

function recipientError(app: AppRecord, { recipient }: NotificationRequest, path: string, prefixes: readonly string[] | undefined) {
  return recipient.kind === "user" || maySendSms(app, recipient.endpoint, prefixes)
    ? undefined
    : destinationError(`${path}.recipient.endpoint.phone_number`);
}

export function destinationError(field: string): CallError {
  const message = "begins as numbers do that this app may not send SMS to: a country not allowed, or premium-rate and satellite numbers";
  const violation = { field, rule: "app.sms_destination", message };
  return callError("FAILED_PRECONDITION", "DESTINATION_NOT_ALLOWED", `${field}: ${message}`, { fields: [violation] });
}
