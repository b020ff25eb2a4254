import { endpointIds } from "../../adapters/ids.ts";
import { endpointToProto } from "../../adapters/wire/convert.ts";
import { choiceToProto } from "../../adapters/wire/preferences.ts";
import { endpointSubject, type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import type { Subject, UpdatePreferencesRequest } from "../../gen/carillon/v1/preference_service.ts";
import { type CallError, isCallError } from "../../runtime/call-error.ts";
import type { PreferencesClient } from "../preference-handlers.ts";
import { type Choices, ERASURE } from "./choices.ts";

/** Deadline of one call to the preferences service, in ms: as long as the service waits for the store. */
const CHANGE_MS = 6_000;

/**
 * Changes choices through the preferences service, which also changes the copies in Redis. Rejects with the CallError that it answers.
 * @param forget called with what was changed, as after a change of the app's own
 */
export function createChoices(
  client: Pick<PreferencesClient, "updatePreferences">,
  forget: (app: string, subject: string) => void = () => {},
): Choices {
  async function update(app: string, subject: Subject["subject"], change: { optOut?: OptOut[]; forget?: OptOut[] }): Promise<void> {
    const { optOut = [], forget: forgotten = [] } = change;
    const ask = (refusals: readonly OptOut[]) => {
      const lists = { optOut: refusals.map(choiceToProto), optIn: forgotten.map(choiceToProto), consent: [] };
      const request: UpdatePreferencesRequest = {
        subject: { subject },
        ...lists,
        origin: { actor: "", source: ERASURE.source ?? "", evidence: "" },
      };
      return client.updatePreferences(app, request, { signal: AbortSignal.timeout(CHANGE_MS), deadlineAt: Date.now() + CHANGE_MS });
    };
    const answer = await ask(optOut);
    // Nobody can refuse a category that has become required since.
    const again = isCallError(answer) && answer.reason === "CATEGORY_REQUIRED" ? await ask(withoutRequired(optOut, answer)) : answer;
    if (isCallError(again)) throw again;
  }

  return {
    async ofUser(app, userId, change) {
      await update(app, { $case: "userId", value: userId }, change);
      forget(app, userSubject(userId));
    },
    async ofEndpoint(app, endpoint, change) {
      await update(app, { $case: "endpoint", value: endpointToProto(endpoint) }, change);
      for (const id of endpointIds(endpoint)) forget(app, endpointSubject(id));
    },
  };
}

/** The fields are like opt_out[3].category. */
function withoutRequired(optOut: readonly OptOut[], { fields = [] }: CallError): OptOut[] {
  const required = new Set(fields.map(({ field }) => Number(/^opt_out\[(\d+)\]/.exec(field)?.[1])));
  return optOut.filter((_, i) => !required.has(i));
}
