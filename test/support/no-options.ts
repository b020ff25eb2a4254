import type { Notification } from "../../gen/carillon/v1/notification_service.ts";

/** The optional fields of a notification, as a caller that sets none of them leaves them. */
export const NO_OPTIONS = {
  ...{ channels: [], priority: 0, collapseKey: "", tags: {}, cancelKey: "" },
  ...{ sendAt: undefined, expiresAt: undefined },
} satisfies Partial<Notification>;
