import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { hideEndpoints } from "../../core/delivery/hide-endpoints.ts";
import type { ContactRecord } from "../../core/ports/contact-store.ts";
import { BLOCK_KINDS } from "../../core/preferences/block.ts";
import { defaultOf } from "../../core/preferences/category.ts";
import type { PreferenceChange } from "../../core/preferences/change.ts";
import { isSameOptOut, OPT_OUTS_MAX, type OptOut, userSubject } from "../../core/preferences/opt-out.ts";
import { liftBlocks } from "../../operations/preferences/lift-blocks.ts";
import type { UpdatePreferences } from "../../operations/preferences/update.ts";
import { logged } from "../../operations/steering/audit-log.ts";
import type { Logger } from "../../runtime/logger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { References } from "../auth/references.ts";
import type { Revealed } from "../person-view.ts";
import type { Session } from "../session.ts";
import { evidenceIn, type Named, personIn, personToChange, scopeIn, WAYS } from "./person-fields.ts";
import { subjectsOf } from "./person-matrix.ts";
import { historyOf, type PersonStore, readPerson } from "./person-read.ts";
import { type Fields, oneOf, orderOf, RequestFault, readReason, textOf } from "./route.ts";

export interface PersonParts {
  store: PersonStore;
  preferences: { update: UpdatePreferences };
  log: Logger;
  references: References;
}

/** Characters of the id of an endpoint. */
const ENDPOINT_ID_MAX = 64;
/** Words that a reason for a reveal must have: "ok" is no reason. */
const REVEAL_WORDS_MIN = 3;
/** How often a change is tried: one that another change overtook is made again from what is stored then. */
const TRIES_MAX = 5;

/** Shows the addresses of one person, after the log of actions has who asks and why. */
export async function reveal(parts: PersonParts, body: Fields, session: Session): Promise<Revealed> {
  const { app, user } = personIn(body);
  const reason = readReason(body);
  if (reason.split(/\s+/).length < REVEAL_WORDS_MIN)
    throw new RequestFault(`reason must have at least ${REVEAL_WORDS_MIN} words: why this person is looked at`);
  if (hideEndpoints(reason) !== reason)
    throw new RequestFault(
      "reason must hold no address, no long number and no link: the log of actions keeps it as it is; name a ticket instead",
    );
  return acted(parts, { app, user, action: "reveal", reason }, session, async () => {
    const person = await readPerson(parts.store, app, user);
    const idOf = ({ endpointId }: ContactRecord) => parts.references.ofEndpoint(endpointId);
    const endpoints = Object.fromEntries(person.contacts.map((contact) => [idOf(contact), addressOf(contact.endpoint)]));
    return { result: { user, endpoints, history: historyOf(person, "all") }, words: `${person.contacts.length} endpoints shown` };
  });
}

/** What reaches somebody there; keys of a push subscription are of no use to people. */
function addressOf(endpoint: Endpoint): string {
  switch (endpoint.channel) {
    case "apns":
    case "fcm":
      return endpoint.token;
    case "webpush":
      return endpoint.pushUrl;
    case "sms":
      return endpoint.phoneNumber;
    case "email":
      return endpoint.address;
  }
}

/** Records what a person asked for by phone, letter or mail. It counts more than opt-ins that it covers: those end. */
export async function recordOptOut(parts: PersonParts, body: Fields, session: Session): Promise<{ said: string }> {
  const [{ app, user }, about, how] = [personToChange(body), scopeIn(body), oneOf(body, "how", WAYS)];
  const origin = { actor: session.name, source: how, evidence: evidenceIn(body) };
  const person = await readPerson(parts.store, app, user);
  const category = person.categories.find(({ name }) => name === about.category);
  if (defaultOf(category, "email", person.tenant) === "required")
    throw new RequestFault(
      "category is required by the app: nobody can opt out of it, and an opt-out of every category leaves it out",
      409,
    );
  return acted(parts, { app, user, action: "opt-out", reason: `asked by ${how}; the evidence is in the history` }, session, async () => {
    await changed(parts, { app, user }, (consents) => ({ optOut: [about], forget: consents.filter((one) => covers(about, one)), origin }));
    return { result: { said: "Recorded. It holds from now on, and everywhere within 5 s." }, words: "recorded" };
  });
}

const covers = (wide: OptOut, narrow: OptOut) =>
  (wide.channel === "*" || wide.channel === narrow.channel) && (wide.category === "*" || wide.category === narrow.category);

/** Forgets an opt-out of exactly this channel and category: what the rest says holds again. */
export async function undoOptOut(parts: PersonParts, body: Fields, session: Session): Promise<{ said: string }> {
  const [{ app, user }, about, evidence] = [personIn(body), scopeIn(body), evidenceIn(body)];
  const [record] = await parts.store.preferences.find(app, [userSubject(user)]);
  if (!record?.optOuts.some((choice) => isSameOptOut(choice, about)))
    throw new RequestFault("the person has no opt-out of exactly this channel and category", 409);
  const origin = { actor: session.name, source: "operator", evidence };
  return acted(parts, { app, user, action: "undo-opt-out", reason: "the evidence is in the history" }, session, async () => {
    await changed(parts, { app, user }, () => ({ forget: [about], origin }));
    return { result: { said: "Undone. What the person chose besides, or the category's default, holds again." }, words: "undone" };
  });
}

/** Ends the blocks of one kind of an endpoint of this person, as `carillon suppressions lift` does. */
export async function liftBlock(parts: PersonParts, body: Fields, session: Session): Promise<{ said: string }> {
  const { store, preferences, references } = parts;
  const [{ app, user }, kind, why, id] = [
    personIn(body),
    oneOf(body, "kind", BLOCK_KINDS),
    evidenceIn(body),
    textOf(body, "endpoint", ENDPOINT_ID_MAX),
  ];
  const person = await readPerson(store, app, user);
  const contact = person.contacts.find(({ endpointId }) => references.ofEndpoint(endpointId) === id);
  if (contact === undefined) throw new RequestFault("endpoint must be the id of one of the person's endpoints", 404);
  const subjects = subjectsOf(contact).filter((subject) => person.records.get(subject)?.blocks.some((block) => block.kind === kind));
  if (subjects.length === 0) throw new RequestFault(`nothing blocks this endpoint by ${kind}`, 409);
  return acted(parts, { app, user, action: "lift-block", reason: `${kind}; the evidence is in the history` }, session, async () => {
    const { find } = store.preferences;
    for (const subject of subjects)
      await asFault(() => liftBlocks({ find, update: preferences.update }, { app, subject, kind, actor: session.name, why }));
    return { result: { said: "Lifted here. A block that the provider keeps is lifted at the provider." }, words: "lifted" };
  });
}

/** Makes the change from what is stored, again where another change came between. */
async function changed(
  { store, preferences }: Pick<PersonParts, "store" | "preferences">,
  { app, user }: Named,
  change: (consents: readonly OptOut[]) => PreferenceChange,
): Promise<void> {
  const subject = userSubject(user);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const [record] = await store.preferences.find(app, [subject]);
    const updated = await preferences.update(app, subject, { ...change(record?.consents ?? []), ifVersion: record?.version ?? 0 });
    if (updated === undefined)
      throw new RequestFault("the store did not confirm it; it may be stored all the same: repeating is safe", 503);
    if (updated.tooMany)
      throw new RequestFault(
        `the person has ${OPT_OUTS_MAX} choices of single categories, the most that there may be; choose every category`,
        409,
      );
    if (!updated.outdated) return;
  }
  throw new RequestFault("the person's choices are changing all the time; nothing was changed; try again", 503);
}

/** Does something under an entry of the log of actions and a line of the process' log, both of which name the person only by a keyed hash. */
async function acted<T>(
  { store, log, references }: Pick<PersonParts, "store" | "log" | "references">,
  { app, user, action, reason }: Named & { action: string; reason: string },
  session: Session,
  act: () => Promise<{ result: T; words: string }>,
): Promise<T> {
  const reference = references.ofPerson(app, user);
  return logged(store, { ...orderOf(session, reason), action, target: `person ${app}/${reference}` }, async () => {
    log.info({ who: references.ofName(session.name), role: session.role, action, app, person: reference }, "an action on a person");
    return act();
  });
}

async function asFault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OperatorError) throw new RequestFault(error.message, 503);
    throw error;
  }
}
