import { CHANNELS } from "../core/delivery/channel.ts";
import type { Role } from "../runtime/run.ts";

const dispatchers = Object.fromEntries(
  CHANNELS.map((channel, i) => [`dispatcher-${channel}`, async () => ({ role: (await import("../dispatchers/main.ts")).roles[i]! })]),
);

/** Every role. Imported only when needed, because each loads packages of its own. */
const LOADERS: Readonly<Record<string, () => Promise<{ role: Role }>>> = {
  preferences: () => import("../preferences/main.ts"),
  gateway: () => import("../gateway/main.ts"),
  relay: () => import("../relay/main.ts"),
  ...dispatchers,
  feedback: () => import("../feedback/main.ts"),
  autoscaler: () => import("../autoscaler/main.ts"),
};

export const ROLE_NAMES: readonly string[] = Object.keys(LOADERS);

/** Undefined if there is no such role. */
export function roleLoader(name: string): (() => Promise<Role>) | undefined {
  const load = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined;
  return load && (async () => (await load()).role);
}

export const loadRoles = async (): Promise<Role[]> => (await Promise.all(Object.values(LOADERS).map((load) => load()))).map((m) => m.role);
