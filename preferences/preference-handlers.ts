import { endpointId } from "../adapters/ids.ts";
import type { Preferences } from "../adapters/opt-outs/preferences.ts";
import { channelFromProto, classFromProto, endpointFromProto, reasonToProto } from "../adapters/wire/convert.ts";
import {
  blockKindFromProto,
  blockToProto,
  changeToProto,
  choiceFromProto,
  originFromProto,
  stateToProto,
} from "../adapters/wire/preferences.ts";
import { reason } from "../core/delivery/reason.ts";
import { isRefusal, type OptOutAnswer, type OptOutQuestion } from "../core/ports/opt-outs.ts";
import { endpointSubject, OPT_OUTS_MAX, type OptOut, type PreferenceRecord, userSubject } from "../core/preferences/opt-out.ts";
import type { PageClaim } from "../core/preferences/page-claim.ts";
import type {
  CheckPreferencesRequest,
  CheckPreferencesResponse,
  CreatePreferencesLinkRequest,
  CreatePreferencesLinkResponse,
  GetPreferencesRequest,
  GetPreferencesResponse,
  LiftBlockRequest,
  LiftBlockResponse,
  ListPreferenceChangesRequest,
  ListPreferenceChangesResponse,
  OptOut as OptOutProto,
  PreferenceAnswer,
  PreferenceQuestion,
  Subject as SubjectProto,
  UpdatePreferencesRequest,
  UpdatePreferencesResponse,
} from "../gen/carillon/v1/preference_service.ts";
import { type CallError, callError, invalidRequest, type Violation } from "../runtime/call-error.ts";
import type { Handler } from "../runtime/handler.ts";

/** By the contract of CheckPreferences. */
const QUESTIONS_MAX = 1_000;
/** Of ListPreferenceChanges. */
const PAGE_SIZE = 100;

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
  listPreferenceChanges: Handler<ListPreferenceChangesRequest, ListPreferenceChangesResponse, CallingApp>;
  liftBlock: Handler<LiftBlockRequest, LiftBlockResponse, CallingApp>;
  createPreferencesLink: Handler<CreatePreferencesLinkRequest, CreatePreferencesLinkResponse, CallingApp>;
  checkPreferences: Handler<CheckPreferencesRequest, CheckPreferencesResponse, CallingApp>;
}

/** A link, and when it ends in ms since the epoch. */
export type LinkOf = (of: Pick<PageClaim, "app" | "subject" | "channel">) => { url: string; expiresAt: number } | undefined;

/** @param linkOf URL of the page of a subject, for links that an app asks for; undefined: links are not set up */
export function createPreferenceHandlers(preferences: Preferences, linkOf: LinkOf = () => undefined): PreferenceHandlers {
  /** Those of required categories: people cannot choose about them. Undefined: it could not be read. */
  async function requiredAmong(app: string, subject: SubjectProto | undefined, lists: ChoiceLists): Promise<Violation[] | undefined> {
    const userId = subject?.subject?.$case === "userId" ? subject.subject.value : undefined;
    const named = Object.entries(lists).flatMap(([list, choices]) =>
      choices.flatMap(({ category }, i) => (category === "*" ? [] : [{ field: `${list}[${i}].category`, category }])),
    );
    // Whatever the channel: a category is required as a whole.
    const defaults = await preferences.defaultsOf(named.map(({ category }) => ({ app, userId, channel: "email", category })));
    if (defaults.includes(undefined)) return undefined;
    return named
      .filter((_, i) => defaults[i] === "required")
      .map(({ field }) => ({ field, rule: "category.required", message: "the category is required, so nobody can choose about it" }));
  }

  return {
    async getPreferences(request, { caller }) {
      const subject = subjectFromProto(request.subject);
      if (!subject) return invalid("subject", "must be given");
      return recordToProto(await preferences.get(caller.app, subject));
    },

    async updatePreferences(request, { caller }) {
      const subject = subjectFromProto(request.subject);
      if (!subject) return invalid("subject", "must be given");
      const [optOut, forget, consent] = [choicesOf(request.optOut), choicesOf(request.optIn), choicesOf(request.consent)];
      if (!optOut || !forget || !consent) return invalid("channel", "must be a channel, or unspecified for all");
      const required = await requiredAmong(caller.app, request.subject, { opt_out: optOut, consent });
      if (!required) return unavailable;
      if (required.length > 0) return isRequired(required);
      const origin = request.origin ? originFromProto(request.origin) : {};
      const updated = await preferences.update(caller.app, subject, { optOut, consent, forget, origin });
      return updated?.tooMany ? tooMany : recordToProto(updated);
    },

    async listPreferenceChanges({ subject: given, pageSize, beforeVersion }, { caller }) {
      const subject = subjectFromProto(given);
      if (!subject) return invalid("subject", "must be given");
      const before = beforeVersion || Number.MAX_SAFE_INTEGER;
      const entries = await preferences.history(caller.app, subject, before, pageSize || PAGE_SIZE);
      return entries ? { changes: entries.map(changeToProto) } : unavailable;
    },

    async liftBlock({ endpoint: given, kind, origin }, { caller }) {
      const endpoint = endpointFromProto(given);
      if (!endpoint) return invalid("endpoint", "must be given");
      if (!origin?.evidence) return invalid("origin.evidence", "must say why the block is lifted");
      const subject = endpointSubject(endpointId(endpoint));
      const before = await preferences.get(caller.app, subject);
      if (!before) return unavailable;
      const wanted = blockKindFromProto(kind);
      const lift = before.blocks.filter((block) => wanted === undefined || block.kind === wanted);
      if (lift.length === 0) return { lifted: [], version: before.version };
      const updated = await preferences.update(caller.app, subject, { lift, origin: originFromProto(origin) });
      return updated ? { lifted: lift.map(blockToProto), version: updated.version } : unavailable;
    },

    async createPreferencesLink({ subject: given }, { caller }) {
      const subject = subjectFromProto(given);
      if (!subject) return invalid("subject", "must be given");
      const channel = given?.subject?.$case === "endpoint" ? endpointFromProto(given.subject.value)?.channel : undefined;
      const link = linkOf({ app: caller.app, subject, channel });
      return link ? { url: link.url, expiresAt: new Date(link.expiresAt) } : noLinks;
    },

    async checkPreferences(request, { caller }) {
      const { length } = request.questions;
      if (length === 0 || length > QUESTIONS_MAX) return invalid("questions", `must be 1 to ${QUESTIONS_MAX}`);
      const questions = request.questions.map((q) => questionFromProto(caller.app, q));
      if (!areAll(questions)) return invalid("questions", "each must have a user or an endpoint, and a channel");
      const answers = await preferences.check(questions);
      // For a caller of an earlier version `unknown` would be "allowed".
      if (!request.acceptsUnknown && answers.includes("unknown")) return unavailable;
      return { answers: answers.map(answerToProto) };
    },
  };
}

const answerToProto = (answer: OptOutAnswer): PreferenceAnswer => ({
  optedOut: isRefusal(answer),
  reason: isRefusal(answer) ? reasonToProto(reason(answer)) : undefined,
  unknown: answer === "unknown",
});

/** By the field of the request. */
type ChoiceLists = Readonly<Record<string, readonly OptOut[]>>;

const tooMany = callError(
  "FAILED_PRECONDITION",
  "TOO_MANY_OPT_OUTS",
  `opt_out: the subject would have more than ${OPT_OUTS_MAX} choices of single categories; remove some, or choose for every category`,
  { fields: [{ field: "opt_out", rule: "opt_outs.max", message: `at most ${OPT_OUTS_MAX} of single categories` }] },
);
const noLinks = callError(
  "FAILED_PRECONDITION",
  "LINKS_OFF",
  "links to the page of preferences are not set up here: the operator sets UNSUBSCRIBE_KEYS_FILE and FEEDBACK_URL for preferences",
);
const unavailable = callError("UNAVAILABLE", "UNAVAILABLE", "preferences cannot be read now");

const isRequired = (fields: readonly Violation[]): CallError =>
  callError("FAILED_PRECONDITION", "CATEGORY_REQUIRED", fields.map(({ field, message }) => `${field}: ${message}`).join("; "), { fields });

const invalid = (field: string, message: string): CallError => invalidRequest([{ field, rule: "required", message }]);

const areAll = <T>(items: readonly (T | undefined)[]): items is readonly T[] => !items.includes(undefined);

function choicesOf(given: readonly OptOutProto[]): readonly OptOut[] | undefined {
  const choices = given.map(choiceFromProto);
  return areAll(choices) ? choices : undefined;
}

function subjectFromProto(proto: SubjectProto | undefined): string | undefined {
  const subject = proto?.subject;
  if (subject?.$case === "userId") return subject.value === "" ? undefined : userSubject(subject.value);
  const endpoint = endpointFromProto(subject?.value);
  return endpoint && endpointSubject(endpointId(endpoint));
}

const recordToProto = (record: PreferenceRecord | undefined) =>
  record ? { ...stateToProto(record), version: record.version } : unavailable;

function questionFromProto(app: string, q: PreferenceQuestion): OptOutQuestion | undefined {
  const channel = channelFromProto(q.channel);
  const endpoint = endpointFromProto(q.endpoint);
  if (!channel || (q.userId === "" && !endpoint)) return undefined;
  // A service of an earlier version gives no class.
  const notificationClass = classFromProto(q.notificationClass) ?? "transactional";
  const pool = q.senderPool === "" ? {} : { pool: q.senderPool };
  return { app, userId: q.userId || undefined, endpoint, channel, category: q.category, notificationClass, ...pool };
}
