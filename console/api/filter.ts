import { CHANNELS, CLASSES } from "../../core/delivery/channel.ts";
import { canonicalEndpoint, type Endpoint } from "../../core/delivery/endpoint.ts";
import { type DeliveryState, END_STATES, OPEN_STATES } from "../../core/delivery/notification.ts";
import { REASON_CODES } from "../../core/delivery/reason.ts";
import type { SearchFilter } from "../../core/delivery/search.ts";
import { WAITS } from "../../core/delivery/waiting.ts";
import { type Fields, oneOf, optionalOneOf, RequestFault, textOf } from "./route.ts";

/** Characters of a value: push tokens are the longest. */
export const VALUE_MAX = 4_096;
const NAMES = ["user", "endpoint", "state", "channel", "category", "class", "reason", "tag", "waiting", "provider-ref", "since"];

/** The filter of a search from what a page sends. Throws a RequestFault. */
export function readFilter(given: Fields): SearchFilter {
  const unknown = Object.keys(given).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new RequestFault(`filter has a field that is unknown; known are ${NAMES.join(", ")}`);
  const one = (name: string) => textOf(given, name, VALUE_MAX) || undefined;
  const of = <T extends string>(name: string, all: readonly T[]) => optionalOneOf(given, name, all);
  const [states, channel, endpoint, since] = [statesOf(given), of("channel", CHANNELS), one("endpoint"), one("since")];
  if (since !== undefined && !/^\d{1,15}$/.test(since)) throw new RequestFault("since must be a moment in ms since the epoch");
  return {
    ...{ userId: one("user"), category: one("category"), tag: one("tag"), providerRef: one("provider-ref") },
    ...{ reasonCode: of("reason", REASON_CODES), notificationClass: of("class", CLASSES), waitingFor: of("waiting", WAITS) },
    ...(states.length > 0 && { states }),
    ...(channel && { channels: [channel] }),
    ...(endpoint && { endpoint: canonicalEndpoint(endpointOf(endpoint)) }),
    ...(since && { from: Number(since) }),
  };
}

/** One state, or several with commas between. */
function statesOf(given: Fields): DeliveryState[] {
  const names = textOf(given, "state", VALUE_MAX).split(",").filter(Boolean);
  return names.map((state) => oneOf({ state }, "state", [...OPEN_STATES, ...END_STATES]));
}

function endpointOf(given: string): Endpoint {
  const at = given.indexOf(":");
  const [channel, address] = [given.slice(0, at), given.slice(at + 1)];
  if (channel === "sms") return { channel, phoneNumber: address };
  if (channel === "email") return { channel, address };
  if (channel === "apns" || channel === "fcm") return { channel, token: address };
  throw new RequestFault("endpoint must be like sms:+4915112345678, email:ada@example.com, apns:TOKEN or fcm:TOKEN");
}
