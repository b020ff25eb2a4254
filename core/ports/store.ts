import type { AppStore } from "./app-store.ts";
import type { AttemptStore } from "./attempt-store.ts";
import type { ContactStore } from "./contact-store.ts";
import type { ContentStore } from "./content-store.ts";
import type { NotificationStore } from "./notification-store.ts";
import type { PoisonStore } from "./poison-store.ts";
import type { PreferenceStore } from "./preference-store.ts";

/** One database with all that is kept in it. */
export interface Store extends AsyncDisposable {
  notifications: NotificationStore;
  contents: ContentStore;
  attempts: AttemptStore;
  contacts: ContactStore;
  preferences: PreferenceStore;
  apps: AppStore;
  poison: PoisonStore;
  /** The time by the store's own clock, which all processes share; ms since the epoch. */
  time(): Promise<number>;
}
