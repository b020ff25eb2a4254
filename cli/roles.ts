import { CHANNELS, type Channel } from "../core/delivery/channel.ts";
import type { Role } from "../runtime/run.ts";

interface ListedRole {
  /** For `carillon help`. */
  summary: string;
  load(): Promise<{ role: Role }>;
}

const SENDS: Readonly<Record<Channel, string>> = {
  apns: "pushes to Apple devices",
  fcm: "pushes to Android devices",
  webpush: "pushes to browsers",
  sms: "texts",
  email: "mails",
};
const dispatchers = Object.fromEntries(
  CHANNELS.map((channel, i): [string, ListedRole] => [
    `dispatcher-${channel}`,
    { summary: `sends ${SENDS[channel]}`, load: async () => ({ role: (await import("../dispatchers/main.ts")).roles[i]! }) },
  ]),
);

/** Every role. Imported only when needed, because each loads packages of its own. */
export const ROLES: Readonly<Record<string, ListedRole>> = {
  preferences: { summary: "keeps opt-outs, and checks them", load: () => import("../preferences/main.ts") },
  gateway: { summary: "accepts notifications over gRPC", load: () => import("../gateway/main.ts") },
  relay: { summary: "publishes what is due: scheduled sends, retries, expiries", load: () => import("../relay/main.ts") },
  ...dispatchers,
  feedback: { summary: "receives the providers' webhooks, and serves recipients' pages", load: () => import("../feedback/main.ts") },
  console: { summary: "serves the pages that show what waits and why, and steer it", load: () => import("../console/main.ts") },
  autoscaler: { summary: "computes how much each channel's pods must do", load: () => import("../autoscaler/main.ts") },
};

export const ROLE_NAMES: readonly string[] = Object.keys(ROLES);

/** Undefined if there is no such role. */
export function roleLoader(name: string): (() => Promise<Role>) | undefined {
  const listed = Object.hasOwn(ROLES, name) ? ROLES[name] : undefined;
  return listed && (async () => (await listed.load()).role);
}

export const loadRoles = async (): Promise<Role[]> =>
  (await Promise.all(Object.values(ROLES).map(({ load }) => load()))).map((m) => m.role);
