import { profileFromProto, profileToProto } from "../adapters/wire/profiles.ts";
import type { AppRecord } from "../core/ports/app-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { ProfileStore } from "../core/ports/profile-store.ts";
import { profileFaults } from "../core/preferences/profile.ts";
import type { GetProfileRequest, GetProfileResponse, SetProfileRequest, SetProfileResponse } from "../gen/carillon/v1/profile_service.ts";
import { invalidRequest } from "../runtime/call-error.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import type { Handler } from "../runtime/handler.ts";
import { withStore } from "./with-store.ts";

/** The part of carillon.v1.ProfileService that keeps profiles, for the app whose API key the caller showed. */
export interface ProfileHandlers {
  setProfile: Handler<SetProfileRequest, SetProfileResponse, AppRecord>;
  getProfile: Handler<GetProfileRequest, GetProfileResponse, AppRecord>;
}

export function createProfileHandlers({ profiles, clock }: { profiles: ProfileStore; clock: Pick<Clock, "now"> }): ProfileHandlers {
  const checkSet = compileValidator("carillon.v1.SetProfileRequest");
  const checkGet = compileValidator("carillon.v1.GetProfileRequest");

  return {
    async setProfile(request, { caller }) {
      const violations = checkSet(request);
      if (violations.length > 0 || !request.profile) return invalidRequest(violations);
      const profile = profileFromProto(request.profile);
      const faults = profileFaults(profile).map((fault) => ({ ...fault, field: `profile.${fault.field}` }));
      if (faults.length > 0) return invalidRequest(faults);
      return withStore(async () => ({ version: (await profiles.put(caller.id, request.userId, profile, clock.now())).version }));
    },

    async getProfile(request, { caller }) {
      const violations = checkGet(request);
      if (violations.length > 0) return invalidRequest(violations);
      return withStore(async () => {
        const [found] = await profiles.find(caller.id, [request.userId]);
        return { profile: profileToProto(found?.profile ?? {}), version: found?.version ?? 0 };
      });
    },
  };
}
