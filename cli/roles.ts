import type { Role } from "../runtime/run.ts";

/** Every deployable. Loaded when asked for: each brings its providers' SDKs. */
const LOADERS: Readonly<Record<string, () => Promise<{ role: Role }>>> = {
  preferences: () => import("../preferences/main.ts"),
  gateway: () => import("../gateway/main.ts"),
  relay: () => import("../relay/main.ts"),
  "dispatcher-apns": () => import("../dispatchers/apns/main.ts"),
  "dispatcher-fcm": () => import("../dispatchers/fcm/main.ts"),
  "dispatcher-webpush": () => import("../dispatchers/webpush/main.ts"),
  "dispatcher-sms": () => import("../dispatchers/sms/main.ts"),
  "dispatcher-email": () => import("../dispatchers/email/main.ts"),
  feedback: () => import("../feedback/main.ts"),
  autoscaler: () => import("../autoscaler/main.ts"),
};

export const ROLE_NAMES: readonly string[] = Object.keys(LOADERS);

/** Undefined where there is no such role. */
export function roleLoader(name: string): (() => Promise<Role>) | undefined {
  const load = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined;
  return load && (async () => (await load()).role);
}

export const loadRoles = async (): Promise<Role[]> => (await Promise.all(Object.values(LOADERS).map((load) => load()))).map((m) => m.role);
