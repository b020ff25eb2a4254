import type { CheckPreferencesRequest, PreferenceQuestion, UpdatePreferencesRequest } from "../../gen/carillon/v1/preference_service.ts";

/** Requests of carillon.v1.PreferenceService in which only what matters is said. */
export const updateRequest = (given: Partial<UpdatePreferencesRequest> = {}): UpdatePreferencesRequest => ({
  ...{ subject: undefined, optOut: [], optIn: [], consent: [], origin: undefined },
  ...given,
});

export const questionRequest = (given: Partial<PreferenceQuestion> = {}): PreferenceQuestion => ({
  ...{ userId: "", endpoint: undefined, channel: 0, category: "news", notificationClass: 0, senderPool: "" },
  ...given,
});

/** As a caller of an earlier version asks. */
export const checkRequest = (questions: readonly Partial<PreferenceQuestion>[]): CheckPreferencesRequest => ({
  questions: questions.map(questionRequest),
  acceptsUnknown: false,
});
