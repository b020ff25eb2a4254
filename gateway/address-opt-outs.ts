import { endpointId } from "../adapters/ids.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { ContactRecord, ContactStore } from "../core/ports/contact-store.ts";
import { type OptOutAnswer, type OptOutQuestion, type OptOuts, strictest } from "../core/ports/opt-outs.ts";

/** An answer, and how many people it depends on. */
export interface OwnersAnswer {
  answer: OptOutAnswer;
  people: number;
}

interface Asked {
  question: OptOutQuestion;
  /** Of the endpoint, where no user was named. */
  id: string | undefined;
}

/**
 * Asks for the opt-outs of everyone who registered an endpoint that was given without a user: she opted out as a person, by whichever way
 * she is reached. The caller does not say which user of a shared mailbox is meant, so one who opted out is enough. However many notifications go to the
 * same address, its owners are asked for once per category.
 */
export function askOwnersToo(
  optOuts: OptOuts,
  contacts: Pick<ContactStore, "find">,
): { check(questions: readonly OptOutQuestion[]): Promise<OwnersAnswer[]> } {
  async function answersOf(groups: readonly Asked[]): Promise<OwnersAnswer[]> {
    const keys = groups.flatMap(({ question: { app }, id }) => (id === undefined ? [] : [{ app, endpointId: id }]));
    const distinct = [...new Map(keys.map((key) => [nameOf(key), key])).values()];
    const owners = distinct.length === 0 ? [] : await contacts.find(distinct).catch(unreadable);
    const ofEndpoint = owners && Map.groupBy(owners, nameOf);
    const asked = groups.map(({ question, id }) => {
      const users = id === undefined ? [] : (ofEndpoint?.get(nameOf({ app: question.app, endpointId: id })) ?? []);
      return users.length === 0 ? [question] : users.map(({ userId }) => ({ ...question, userId }));
    });
    const answers = await optOuts.check(asked.flat());
    let at = 0;
    return asked.map((questions, i): OwnersAnswer => {
      const answer = strictest(answers.slice(at, at + questions.length));
      at += questions.length;
      const isUnknown = owners === undefined && groups[i]!.id !== undefined && answer === "allowed";
      return { answer: isUnknown ? "unknown" : answer, people: questions.length };
    });
  }

  return {
    async check(questions) {
      const names: string[] = [];
      const groups = new Map<string, Asked>();
      for (const [i, question] of questions.entries()) {
        const { app, userId, endpoint, channel, category, notificationClass, pool } = question;
        const id = userId === undefined && endpoint ? endpointId(endpoint) : undefined;
        // Another spelling of an address is asked for by itself, because an opt-out may be stored under it.
        const name = id === undefined ? `${i}` : JSON.stringify([app, channel, category, notificationClass, pool, endpoint]);
        names.push(name);
        if (!groups.has(name)) groups.set(name, { question, id });
      }
      const answers = await answersOf([...groups.values()]);
      const byName = new Map([...groups.keys()].map((name, i) => [name, answers[i]!]));
      return names.map((name) => byName.get(name)!);
    },
  };
}

const nameOf = ({ app, endpointId }: Pick<ContactRecord, "app" | "endpointId">) => `${endpointId} ${app}`;

/** Opt-outs that cannot be read are unknown: the dispatcher asks again before it sends. */
function unreadable(error: unknown): undefined {
  if (!(error instanceof StoreError)) throw error;
}
