import type { AppShares } from "../../adapters/nats/app-shares.ts";

/** Every app may publish as much as it likes. */
export const noShares: AppShares = { room: async () => Number.POSITIVE_INFINITY, take: () => true };
