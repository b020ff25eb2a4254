import { endpointId } from "../adapters/ids.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { ContactRecord, ContactStore } from "../core/ports/contact-store.ts";
import { type OptOutAnswer, type OptOuts, strictest } from "../core/ports/opt-outs.ts";

/**
 * Asks for the opt-outs of everyone who registered an endpoint that was given without a user: she opted out as a person, by whichever way
 * she is reached. The caller does not say which user of a shared mailbox is meant, so one who opted out is enough.
 */
export function askOwnersToo(optOuts: OptOuts, contacts: Pick<ContactStore, "find">): OptOuts {
  return {
    async check(questions) {
      const ids = questions.map(({ userId, endpoint }) => (userId === undefined && endpoint ? endpointId(endpoint) : undefined));
      const keys = questions.flatMap(({ app }, i) => (ids[i] === undefined ? [] : [{ app, endpointId: ids[i] }]));
      const owners = keys.length === 0 ? [] : await contacts.find(keys).catch(unreadable);
      const ofEndpoint = owners && Map.groupBy(owners, nameOf);
      const asked = questions.map((question, i) => {
        const users = ids[i] === undefined ? [] : (ofEndpoint?.get(nameOf({ app: question.app, endpointId: ids[i] })) ?? []);
        return users.length === 0 ? [question] : users.map(({ userId }) => ({ ...question, userId }));
      });
      const answers = await optOuts.check(asked.flat());
      let at = 0;
      return asked.map((group, i): OptOutAnswer => {
        const answer = strictest(answers.slice(at, at + group.length));
        at += group.length;
        return owners === undefined && ids[i] !== undefined && answer === "allowed" ? "unknown" : answer;
      });
    },
  };
}

const nameOf = ({ app, endpointId }: Pick<ContactRecord, "app" | "endpointId">) => `${endpointId} ${app}`;

/** Then the dispatcher asks again before it sends. */
function unreadable(error: unknown): undefined {
  if (!(error instanceof StoreError)) throw error;
}
