// The users: their devices and numbers, which change hands, and their opt-outs.
import { endpointId } from "../../adapters/ids.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { hasOneUser } from "../../core/ports/contact-store.ts";
import { APP, PHONE, USERS } from "./callers.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { OptOutHistory } from "./opt-out-history.ts";
import type { OwnerHistory } from "./owner-history.ts";
import type { Simulation } from "./simulation.ts";

/** How long an opt-out lasts, and a device is away: shorter than the bound within which it takes effect, or longer. */
const OPTED_OUT_MS = [3_000, 30_000, 600_000];
/** Within this the endpoints are registered once more: a provider may have reported one as gone. */
const REGISTERED_AGAIN_MS = 600_000;
/** Has the number that callers name without a user. */
const PHONE_USER = "dana";
const deviceOf = (user: number) => ({ channel: "fcm", token: `token-${user}` }) as const;

export interface Recipients {
  /** A user opts out, and most opt in again later. */
  optOutForAWhile(): void;
  /** A device changes hands, or is signed out, and most come back later. */
  loseForAWhile(): void;
}

/** Registers the endpoints of all users. */
export async function createRecipients(
  { random, time, happens }: Simulation,
  store: MemoryStore,
  optOutHistory: OptOutHistory,
  owners: OwnerHistory,
): Promise<Recipients> {
  const registerFor = (user: string, endpoint: Endpoint) => {
    const [id, now] = [endpointId(endpoint), time.now()];
    owners.registered(id, user, now, hasOneUser(endpoint.channel));
    return store.contacts.register({ app: APP.id, userId: user, endpointId: id, endpoint, registeredAt: now });
  };
  for (const [i, user] of USERS.entries()) {
    for (const endpoint of [
      { channel: "sms", phoneNumber: `+491511234567${i}` },
      deviceOf(i),
      ...(i === 0 ? [{ channel: "fcm", token: "tablet" } as const] : []),
    ] as const) {
      await registerFor(user, endpoint);
      time.after(random.below(REGISTERED_AGAIN_MS), () => void registerFor(user, endpoint));
    }
  }
  await registerFor(PHONE_USER, { channel: "sms", phoneNumber: PHONE });

  return {
    optOutForAWhile() {
      const user = random.pick([...USERS, PHONE_USER, PHONE_USER]);
      optOutHistory.record(user, time.now(), true);
      if (random.chance(0.7)) time.after(random.pick(OPTED_OUT_MS), () => optOutHistory.record(user, time.now(), false));
    },
    loseForAWhile() {
      const i = random.below(USERS.length);
      const [user, next] = [USERS[i]!, USERS[(i + 1) % USERS.length]!];
      const device = deviceOf(i);
      const moves = random.chance(0.5);
      if (!happens(moves ? "endpoint moved" : "endpoint removed", 1)) return;
      if (moves) void registerFor(next, device);
      else {
        owners.removed(endpointId(device), user, time.now());
        void store.contacts.remove(APP.id, user, endpointId(device));
      }
      if (random.chance(0.7)) time.after(random.pick(OPTED_OUT_MS), () => void registerFor(user, device));
    },
  };
}
