// Unique recipients that the sandbox's providers accept: they avoid the suffixes that select an answer.
import { randomBytes } from "node:crypto";
import type { Channel } from "../../core/delivery/channel.ts";
import type { ApnsEndpoint, ApnsKind, Endpoint } from "../../core/delivery/endpoint.ts";
import type { Sandbox } from "../../sandbox/main.ts";

/** Never returns the same value twice. */
export const fresh = (what: string) => `${what}-${randomBytes(6).toString("hex")}`;
export const freshNumber = () => `+49151${String(randomBytes(4).readUInt32BE()).padStart(10, "0").slice(-8)}21`;
export const freshToken = () => `${randomBytes(31).toString("hex")}c1`;

/** What the sandbox's tokens of each kind end in. */
const KIND_ENDS: Readonly<Record<ApnsKind, string>> = { voip: "c0c2", "live-activity": "c0c3", "live-activity-start": "c0c4" };
export const freshTokenOf = (kind: ApnsKind): ApnsEndpoint => ({
  channel: "apns",
  token: `${randomBytes(30).toString("hex")}${KIND_ENDS[kind]}`,
  kind,
});

export function freshEndpoint(channel: Channel, { webPushSubscription }: Pick<Sandbox, "webPushSubscription">): Endpoint {
  switch (channel) {
    case "apns":
    case "fcm":
      return { channel, token: freshToken() };
    case "webpush":
      return { channel, ...webPushSubscription(fresh("laptop")) };
    case "sms":
      return { channel, phoneNumber: freshNumber() };
    case "email":
      return { channel, address: `${fresh("ada")}@${fresh("host")}.example` };
  }
}
