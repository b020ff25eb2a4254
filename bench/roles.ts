import { POD_NODE_OPTIONS } from "../test/support/pod-memory.ts";
import type { Role, World } from "./world.ts";

/** Of the roles that are started from now on, as in the chart's pods. Without a limit Node takes as much as the machine has, and its RSS says nothing. */
export function limitHeaps({ env }: Pick<World, "env">): void {
  env.NODE_OPTIONS = POD_NODE_OPTIONS;
}

/** Starts preferences and then these roles, each as a process that ends with the stack; all of them ask that preferences. */
export async function startRoles<Name extends string>(
  stack: AsyncDisposableStack,
  world: World,
  ...names: readonly Name[]
): Promise<{ preferences: Role } & Record<Name, Role>> {
  const preferences = stack.use(await world.role("preferences"));
  world.env.PREFERENCES_ADDRESS = preferences.addresses.grpc ?? "";
  const roles: Record<string, Role> = {};
  for (const name of names) roles[name] = stack.use(await world.role(name));
  return { preferences, ...(roles as Record<Name, Role>) };
}
