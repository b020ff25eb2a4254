// Between profiles and carillon.v1.ProfileService.
import type { Profile } from "../../core/preferences/profile.ts";
import type { Profile as ProfileProto } from "../../gen/carillon/v1/profile_service.ts";

/** Without what is absent. */
export const profileFromProto = ({ locale, timeZone, quietHours, tenant }: ProfileProto): Profile => ({
  ...(locale !== undefined && { locale }),
  ...(timeZone !== undefined && { timeZone }),
  ...(quietHours && { quietHours: { fromMinute: quietHours.fromMinute, untilMinute: quietHours.untilMinute } }),
  ...(tenant !== undefined && { tenant }),
});

export const profileToProto = ({ locale, timeZone, quietHours, tenant }: Profile): ProfileProto => ({
  ...{ locale, timeZone, quietHours, tenant },
});
