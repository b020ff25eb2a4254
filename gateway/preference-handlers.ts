import { endpointIds } from "../adapters/ids.ts";
import { endpointFromProto } from "../adapters/wire/convert.ts";
import { choiceFromProto } from "../adapters/wire/preferences.ts";
import type { AppRecord } from "../core/ports/app-store.ts";
import type { Clock } from "../core/ports/clock.ts";
import { type OptOut as Choice, endpointSubject, isSameOptOut, userSubject } from "../core/preferences/opt-out.ts";
import type { Endpoint as EndpointProto } from "../gen/carillon/v1/channel.ts";
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
  OptOut,
  Subject,
  UpdatePreferencesRequest,
  UpdatePreferencesResponse,
} from "../gen/carillon/v1/preference_service.ts";
import { type CallError, invalidRequest, isCallError } from "../runtime/call-error.ts";
import { compileValidator } from "../runtime/grpc/validate.ts";
import type { CallContext, Handler } from "../runtime/handler.ts";
import { checkSpelling, type Fault } from "./check.ts";
import { NO_TOMBSTONES, type Tombstones } from "./erasure/tombstones.ts";
import { withStore } from "./with-store.ts";

/** A call to the preferences service in the name of an app. */
export type ForwardCall<Request, Response> = (
  app: string,
  request: Request,
  call: Pick<CallContext<unknown>, "signal" | "deadlineAt">,
) => Promise<Response | CallError>;

export interface PreferencesClient {
  getPreferences: ForwardCall<GetPreferencesRequest, GetPreferencesResponse>;
  updatePreferences: ForwardCall<UpdatePreferencesRequest, UpdatePreferencesResponse>;
  listPreferenceChanges: ForwardCall<ListPreferenceChangesRequest, ListPreferenceChangesResponse>;
  liftBlock: ForwardCall<LiftBlockRequest, LiftBlockResponse>;
  createPreferencesLink: ForwardCall<CreatePreferencesLinkRequest, CreatePreferencesLinkResponse>;
  checkPreferences: ForwardCall<CheckPreferencesRequest, CheckPreferencesResponse>;
}

/** carillon.v1.PreferenceService, for the app whose API key the caller showed. */
export interface PreferenceForwardHandlers {
  getPreferences: Handler<GetPreferencesRequest, GetPreferencesResponse, AppRecord>;
  updatePreferences: Handler<UpdatePreferencesRequest, UpdatePreferencesResponse, AppRecord>;
  listPreferenceChanges: Handler<ListPreferenceChangesRequest, ListPreferenceChangesResponse, AppRecord>;
  liftBlock: Handler<LiftBlockRequest, LiftBlockResponse, AppRecord>;
  createPreferencesLink: Handler<CreatePreferencesLinkRequest, CreatePreferencesLinkResponse, AppRecord>;
  checkPreferences: Handler<CheckPreferencesRequest, CheckPreferencesResponse, AppRecord>;
}

/**
 * Validates the request and forwards it to the preferences service.
 * @param forget called with what was changed, so that a notification that the same caller sends next obeys it at once
 */
export function createPreferenceForwardHandlers(
  client: PreferencesClient,
  clock: Pick<Clock, "now">,
  forget: (app: string, subject: string) => void = () => {},
  tombstones: Tombstones = NO_TOMBSTONES,
): PreferenceForwardHandlers {
  /** Calls `ask` with each subject of the request and what the request opts it in to or consents to, up to the first error. Without any, not at all. */
  async function eachSubject(
    { subject, optIn, consent }: UpdatePreferencesRequest,
    ask: (of: string, choices: readonly Choice[]) => Promise<CallError | undefined>,
  ): Promise<CallError | undefined> {
    const choices = [...optIn, ...consent].flatMap((choice) => choiceFromProto(choice) ?? []);
    for (const of of choices.length > 0 ? subjectsOf(subject) : []) {
      const error = await withStore(() => ask(of, choices));
      if (isCallError(error)) return error;
    }
    return undefined;
  }

  const forward = <Request, Response>(
    typeName: string,
    call: ForwardCall<Request, Response>,
    spelling: (request: Request) => Fault[],
  ): Handler<Request, Response, AppRecord> => {
    const check = compileValidator(typeName);
    return async (request, { caller, signal, deadlineAt }) => {
      const violations = check(request);
      if (violations.length === 0) violations.push(...spelling(request));
      return violations.length > 0 ? invalidRequest(violations) : call(caller.id, request, { signal, deadlineAt });
    };
  };
  const ofSubject = ({ subject }: Pick<GetPreferencesRequest, "subject">) =>
    subject?.subject?.$case === "endpoint" ? checkEndpoint(subject.subject.value, "subject.endpoint") : [];
  const ofUpdate = (request: UpdatePreferencesRequest) => {
    const now = clock.now();
    const ends = [...ended(request.optOut, "opt_out", now), ...ended(request.consent, "consent", now)];
    return [...ofSubject(request), ...ends, ...contradicted(request)];
  };
  const ofLift = ({ endpoint, origin }: LiftBlockRequest) => [
    ...checkEndpoint(endpoint, "endpoint"),
    ...(origin?.evidence ? [] : [{ field: "origin.evidence", rule: "string.min_len", message: "must say why the block is lifted" }]),
  ];
  const ofQuestions = ({ questions }: CheckPreferencesRequest) =>
    questions.flatMap(({ endpoint }, i) => checkEndpoint(endpoint, `questions[${i}].endpoint`));
  return {
    getPreferences: forward("carillon.v1.GetPreferencesRequest", client.getPreferences, ofSubject),
    updatePreferences: forward(
      "carillon.v1.UpdatePreferencesRequest",
      async (app, request: UpdatePreferencesRequest, call) => {
        const evidence = request.origin?.evidence ?? "";
        const erased = await eachSubject(request, (of, choices) => tombstones.check(app, of, choices, evidence));
        if (erased) return erased;
        const updated = await client.updatePreferences(app, request, call);
        for (const subject of subjectsOf(request.subject)) forget(app, subject);
        if (isCallError(updated) || evidence === "") return updated;
        // A repeated call does it again.
        const settled = await eachSubject(request, async (of, choices) => {
          await tombstones.settle(app, of, choices);
          return undefined;
        });
        return settled ?? updated;
      },
      ofUpdate,
    ),
    listPreferenceChanges: forward("carillon.v1.ListPreferenceChangesRequest", client.listPreferenceChanges, ofSubject),
    liftBlock: forward(
      "carillon.v1.LiftBlockRequest",
      async (app, request: LiftBlockRequest, call) => {
        const lifted = await client.liftBlock(app, request, call);
        const { endpoint } = request;
        if (endpoint) for (const subject of subjectsOf({ subject: { $case: "endpoint", value: endpoint } })) forget(app, subject);
        return lifted;
      },
      ofLift,
    ),
    createPreferencesLink: forward("carillon.v1.CreatePreferencesLinkRequest", client.createPreferencesLink, ofSubject),
    checkPreferences: forward("carillon.v1.CheckPreferencesRequest", client.checkPreferences, ofQuestions),
  };
}

/** As opt-outs are asked for. */
function subjectsOf(given: Subject | undefined): string[] {
  const subject = given?.subject;
  if (subject?.$case === "userId") return [userSubject(subject.value)];
  const endpoint = endpointFromProto(subject?.value);
  return endpoint ? endpointIds(endpoint).map(endpointSubject) : [];
}

function checkEndpoint(proto: EndpointProto | undefined, field: string): Fault[] {
  const endpoint = endpointFromProto(proto);
  return endpoint ? checkSpelling(endpoint, field) : [];
}

/** A choice that has ended already would be none. */
const ended = (choices: readonly OptOut[], field: string, now: number): Fault[] =>
  choices.flatMap(({ until }, i) =>
    until === undefined || until.getTime() > now
      ? []
      : [{ field: `${field}[${i}].until`, rule: "timestamp.gt_now", message: "must be in the future" }],
  );

/** Consents to what the same request opts out of for good; beside a pause a consent counts again afterwards. */
function contradicted({ consent, optOut }: UpdatePreferencesRequest): Fault[] {
  const choices = (list: readonly OptOut[]) => list.map(choiceFromProto);
  const forGood = choices(optOut).filter((choice) => choice !== undefined && choice.until === undefined);
  return choices(consent).flatMap((choice, i) =>
    choice && forGood.some((other) => other && isSameOptOut(other, choice))
      ? [{ field: `consent[${i}]`, rule: "consent.opted_out", message: "must not be in opt_out too, with this channel and category" }]
      : [],
  );
}
