import {
  channelFromProto,
  channelToProto,
  classFromProto,
  classToProto,
  stateFromProto,
  stateToProto,
} from "../../adapters/wire/convert.ts";
import { waitingFromProto, waitingToProto } from "../../adapters/wire/summary.ts";
import { CHANNELS, CLASSES } from "../../core/delivery/channel.ts";
import { END_STATES, OPEN_STATES } from "../../core/delivery/notification.ts";
import { REASON_CODES } from "../../core/delivery/reason.ts";
import { WAITS } from "../../core/delivery/waiting.ts";
import type { Endpoint } from "../../gen/carillon/v1/channel.ts";
import { ListNotificationsRequest, type NotificationSummary } from "../../gen/carillon/v1/notification_service.ts";
import { type Command, count, type Invocation, momentRange, oneOf, refuseEmpty, text } from "../command.ts";
import { ADDRESS_FIELDS, ADDRESS_USAGE, readAddress } from "../gateway/address.ts";
import { checkArguments } from "../gateway/argument-faults.ts";
import { printable, printResult } from "../output.ts";
import { table } from "../table.ts";
import { AS_APP_OPTIONS, AS_APP_USAGE, asApp } from "./as-app.ts";

const LIMIT = 50;
const LIMIT_MAX = 100_000;
/** Calls that one command makes at most: each reads up to a thousand notifications. */
const CALLS_MAX = 2_000;
const PAGE_MAX = 200;

/** Which option gives a field. */
const NAMES = {
  ...{ user_id: "--user", category: "--category", tag: "--tag", provider_ref: "--provider-ref", idempotency_key: "--key" },
  ...{ page_token: "--page" },
};

const STATES = [...OPEN_STATES, ...END_STATES];

export const FIND_COMMANDS: Readonly<Record<string, Command>> = {
  find: {
    about:
      "finds notifications, the latest first; all filters must hold. --waiting retry shows what is being retried, --waiting paused what an operator has paused. Where there are more, it prints the --page that " +
      "goes on. With --app an operator searches the store (STORE_URL), and users are masked",
    usage:
      `[--user USER] [--endpoint ${ADDRESS_USAGE}] [--state S,…] [--channel C,…] [--category C] [--class C] [--reason CODE] [--tag KEY=VALUE] ` +
      `[--waiting FOR] [--provider-ref REF] [--key KEY] [--since 2h|TIME] [--until 2h|TIME] [--limit N] [--page TOKEN] [--json] ${AS_APP_USAGE}`,
    options: {
      ...AS_APP_OPTIONS,
      ...{ user: { type: "string" }, endpoint: { type: "string" }, state: { type: "string" }, channel: { type: "string" } },
      ...{ category: { type: "string" }, class: { type: "string" }, reason: { type: "string" }, tag: { type: "string" } },
      ...{ waiting: { type: "string" }, "provider-ref": { type: "string" }, key: { type: "string" } },
      ...{ since: { type: "string" }, until: { type: "string" }, limit: { type: "string" }, page: { type: "string" } },
      json: { type: "boolean" },
    },
    async run(invocation) {
      const { values } = invocation;
      refuseEmpty(values);
      const limit = count(values.limit ?? LIMIT, "--limit", LIMIT_MAX);
      const request = { ...readFilter(values, Date.now()), pageToken: text(values.page) ?? "" };
      checkArguments("ListNotificationsRequest", request, NAMES);
      await using app = await asApp(invocation);
      const found: NotificationSummary[] = [];
      let { pageToken } = request;
      for (let calls = 0; calls < CALLS_MAX && found.length < limit; calls++) {
        const page = await app.list({ ...request, pageSize: Math.min(limit - found.length, PAGE_MAX), pageToken });
        found.push(...page.notifications);
        pageToken = page.nextPageToken;
        if (pageToken === "") break;
      }
      const shown = found.map((n) => (app.store ? { ...n, userId: masked(n.userId) } : n));
      const more = pageToken === "" ? "" : `\n\nmore: --page ${pageToken}`;
      printResult(values, { notifications: shown.map(toJson), nextPage: pageToken || undefined }, () => `${tableText(shown)}${more}`);
      return 0;
    },
  },
};

/** Enough to recognise a user, not to write to one whose id is an address. */
const masked = (userId: string) => (userId === "" ? "" : `${userId.slice(0, 2)}…`);

function readFilter(values: Invocation["values"], now: number): ListNotificationsRequest {
  const { since, until } = momentRange(values, now);
  const reason = oneOf(values.reason, "--reason", REASON_CODES);
  const [kind, waiting] = [oneOf(values.class, "--class", CLASSES), oneOf(values.waiting, "--waiting", WAITS)];
  const endpoint = text(values.endpoint);
  return {
    ...ListNotificationsRequest.decode(new Uint8Array()),
    ...{ userId: text(values.user) ?? "", category: text(values.category) ?? "", reasonCode: reason ?? "", tag: text(values.tag) ?? "" },
    ...{ providerRef: text(values["provider-ref"]) ?? "", idempotencyKey: text(values.key) ?? "" },
    states: severalOf(values.state, "--state", STATES).map(stateToProto),
    channels: severalOf(values.channel, "--channel", CHANNELS).map(channelToProto),
    endpoint: endpoint === undefined ? undefined : readEndpoint(endpoint),
    ...(kind && { notificationClass: classToProto(kind) }),
    ...(waiting && { waitingFor: waitingToProto(waiting) }),
    acceptedFrom: since === undefined ? undefined : new Date(since),
    acceptedBefore: until === undefined ? undefined : new Date(until),
  };
}

function severalOf<T extends string>(value: unknown, option: string, all: readonly T[]): T[] {
  const given = text(value)?.split(",") ?? [];
  return [...new Set(given)].flatMap((one) => oneOf(one, option, all) ?? []);
}

function readEndpoint(given: string): Endpoint {
  const { kind, address } = readAddress(given, "--endpoint");
  return { address: { $case: ADDRESS_FIELDS[kind], value: address } };
}

const toJson = (n: NotificationSummary) => ({
  notificationId: n.notificationId,
  key: n.idempotencyKey,
  class: classFromProto(n.notificationClass),
  category: n.category,
  acceptedAt: n.acceptedAt,
  user: n.userId || undefined,
  tags: Object.keys(n.tags).length > 0 ? n.tags : undefined,
  cancelKey: n.cancelKey || undefined,
  deliveries: n.deliveries.map((d) => ({
    id: d.deliveryId,
    channel: channelFromProto(d.channel),
    state: stateFromProto(d.state),
    waitingFor: waitingFromProto(d.waitingFor),
    reason: d.reason || undefined,
    endpoint: d.endpointMasked || undefined,
    attempt: d.attempt,
    nextAt: d.nextAt,
    endedAt: d.endedAt,
    providerRef: d.providerRef || undefined,
  })),
});

/** A line for each delivery. */
function tableText(notifications: readonly NotificationSummary[]): string {
  if (notifications.length === 0) return "nothing was found";
  const rows = notifications.flatMap((n) =>
    n.deliveries.map((d) => [
      ...[n.acceptedAt?.toISOString() ?? "", d.deliveryId, classFromProto(n.notificationClass) ?? "", n.category],
      ...[d.endpointMasked || n.userId, stateFromProto(d.state) ?? "", waitingFromProto(d.waitingFor) ?? ""],
      ...[printable(d.reason ? [d.reason.code, d.reason.detail].filter(Boolean).join(": ") : ""), d.nextAt?.toISOString() ?? ""],
    ]),
  );
  return table(["accepted", "delivery", "class", "category", "to", "state", "waits for", "reason", "next"], rows);
}
