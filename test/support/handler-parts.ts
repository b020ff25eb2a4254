import type { Store } from "../../core/ports/store.ts";
import type { NotificationHandlerParts } from "../../gateway/notification-handlers.ts";
import { silentLog } from "./accept-world.ts";
import { ignoreEvents } from "./changes.ts";
import { createFakeClock } from "./fake-clock.ts";

/** What the handlers of NotificationService are given beside acceptance. */
export const handlerParts = (store: Store, clock = createFakeClock()): NotificationHandlerParts => ({
  ...{ store, recorder: ignoreEvents, clock, log: silentLog },
  tokens: () => ["internal-token-of-tests"],
});
