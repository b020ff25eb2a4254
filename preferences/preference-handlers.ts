import { endpointId } from "../adapters/ids.ts";
import type { Preferences } from "../adapters/opt-outs/preferences.ts";
import { channelFromProto, channelToProto, endpointFromProto, reasonToProto } from "../adapters/wire/convert.ts";
import { reason } from "../core/delivery/reason.ts";
import type { OptOutQuestion } from "../core/ports/opt-outs.ts";
import { endpointSubject, OPT_OUTS_MAX, type OptOut, type PreferenceRecord, userSubject } from "../core/preferences/opt-out.ts";
import { Channel as ChannelProto } from "../gen/carillon/v1/channel.ts";
import type {
  CheckPreferencesRequest,
  CheckPreferencesResponse,
  GetPreferencesRequest,
  GetPreferencesResponse,
  OptOut as OptOutProto,
  PreferenceQuestion,
  Subject as SubjectProto,
  UpdatePreferencesRequest,
  UpdatePreferencesResponse,
} from "../gen/carillon/v1/preference_service.ts";
import { type CallError, callError, invalidRequest } from "../runtime/call-error.ts";
import type { Handler } from "../runtime/handler.ts";

/** By the contract of CheckPreferences. */
const QUESTIONS_MAX = 1_000;

/** The app that the calling service acts for. */
interface CallingApp {
  app: string;
}

/**
 * carillon.v1.PreferenceService for our own services: the gateway, which has validated what callers sent, and the dispatchers.
 * UNAVAILABLE if the store cannot be read or did not confirm the write. UpdatePreferences may be repeated: it is idempotent.
 */
export interface PreferenceHandlers {
  getPreferences: Handler<GetPreferencesRequest, GetPreferencesResponse, CallingApp>;
  updatePreferences: Handler<UpdatePreferencesRequest, UpdatePreferencesResponse, CallingApp>;
  checkPreferences: Handler<CheckPreferencesRequest, CheckPreferencesResponse, CallingApp>;
}

export function createPreferenceHandlers(preferences: Preferences): PreferenceHandlers {
  return {
    async getPreferences(request, { caller }) {
      const subject = subjectFromProto(request.subject);
      if (!subject) return invalid("subject", "must be given");
      return recordToProto(await preferences.get(caller.app, subject));
    },

    async updatePreferences(request, { caller }) {
      const subject = subjectFromProto(request.subject);
      if (!subject) return invalid("subject", "must be given");
      const optOut = request.optOut.map(optOutFromProto);
      const optIn = request.optIn.map(optOutFromProto);
      if (!areAll(optOut) || !areAll(optIn)) return invalid("opt_out.channel", "must be a channel, or unspecified for all");
      const updated = await preferences.update(caller.app, subject, optOut, optIn);
      return updated?.tooMany ? tooMany : recordToProto(updated);
    },

    async checkPreferences(request, { caller }) {
      const { length } = request.questions;
      if (length === 0 || length > QUESTIONS_MAX) return invalid("questions", `must be 1 to ${QUESTIONS_MAX}`);
      const questions = request.questions.map((q) => questionFromProto(caller.app, q));
      if (!areAll(questions)) return invalid("questions", "each must have a user or an endpoint, and a channel");
      const answers = await preferences.check(questions);
      // The contract has no answer for "unknown", so the call fails as a whole and the caller repeats all its questions.
      if (answers.includes("unknown")) return unavailable;
      return {
        answers: answers.map((a) => ({
          optedOut: a === "opted-out",
          reason: a === "opted-out" ? reasonToProto(reason("opted-out")) : undefined,
        })),
      };
    },
  };
}

const tooMany = callError(
  "FAILED_PRECONDITION",
  "TOO_MANY_OPT_OUTS",
  `opt_out: the subject would have more than ${OPT_OUTS_MAX} opt-outs of single categories; remove some, or opt out of every category`,
  { fields: [{ field: "opt_out", rule: "opt_outs.max", message: `at most ${OPT_OUTS_MAX} of single categories` }] },
);
const unavailable = callError("UNAVAILABLE", "UNAVAILABLE", "preferences cannot be read now");

const invalid = (field: string, message: string): CallError => invalidRequest([{ field, rule: "required", message }]);

const areAll = <T>(items: readonly (T | undefined)[]): items is readonly T[] => !items.includes(undefined);

function subjectFromProto(proto: SubjectProto | undefined): string | undefined {
  const subject = proto?.subject;
  if (subject?.$case === "userId") return subject.value === "" ? undefined : userSubject(subject.value);
  const endpoint = endpointFromProto(subject?.value);
  return endpoint && endpointSubject(endpointId(endpoint));
}

/** Unspecified and empty mean all. Undefined: a channel we do not know. */
function optOutFromProto({ channel: number, category }: OptOutProto): OptOut | undefined {
  const channel = number === ChannelProto.CHANNEL_UNSPECIFIED ? "*" : channelFromProto(number);
  return channel && { channel, category: category || "*" };
}

const optOutToProto = ({ channel, category }: OptOut): OptOutProto => ({
  channel: channel === "*" ? ChannelProto.CHANNEL_UNSPECIFIED : channelToProto(channel),
  category: category === "*" ? "" : category,
});

const recordToProto = (record: PreferenceRecord | undefined) =>
  record ? { optOuts: record.optOuts.map(optOutToProto), version: record.version } : unavailable;

function questionFromProto(app: string, q: PreferenceQuestion): OptOutQuestion | undefined {
  const channel = channelFromProto(q.channel);
  const endpoint = endpointFromProto(q.endpoint);
  if (!channel || (q.userId === "" && !endpoint)) return undefined;
  return { app, userId: q.userId || undefined, endpoint, channel, category: q.category };
}
