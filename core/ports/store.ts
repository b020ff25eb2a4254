import type { AppStore } from "./app-store.ts";
import type { AttemptStore } from "./attempt-store.ts";
import type { ContactStore } from "./contact-store.ts";
import type { NotificationStore } from "./notification-store.ts";
import type { PreferenceStore } from "./preference-store.ts";

/** One database with all that is kept in it. */
export interface Store extends AsyncDisposable {
  notifications: NotificationStore;
  attempts: AttemptStore;
  contacts: ContactStore;
  preferences: PreferenceStore;
  apps: AppStore;
}
