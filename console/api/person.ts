import type { SessionRoute } from "../auth/protect.ts";
import type { PersonAnswer } from "../person-view.ts";
import type { Session } from "../session.ts";
import { readNamed } from "./person-fields.ts";
import { liftBlock, type PersonParts, recordOptOut, reveal, undoOptOut } from "./person-orders.ts";
import { readPerson } from "./person-read.ts";
import { personView } from "./person-view.ts";
import { appIdsOf, type Fields, post, requireApp } from "./route.ts";

/** One person, and what may be changed for them. All by POST: a user's id may be an address, which belongs in no URL. */
export const createPersonRoutes = (parts: PersonParts): SessionRoute[] => [
  post("/api/person", (body, session) => person(parts, body, session)),
  post("/api/person/reveal", (body, session) => reveal(parts, body, session)),
  post("/api/person/opt-out", (body, session) => recordOptOut(parts, body, session)),
  post("/api/person/undo-opt-out", (body, session) => undoOptOut(parts, body, session)),
  post("/api/person/lift-block", (body, session) => liftBlock(parts, body, session)),
];

async function person({ store, references }: PersonParts, body: Fields, session: Session): Promise<PersonAnswer> {
  const { app: given, user } = readNamed(body);
  const known = await appIdsOf(store);
  const app = given || (known.apps[0] ?? "");
  if (given !== "") await requireApp(store, given);
  return { app, ...known, ...(user !== "" && { person: personView(await readPerson(store, app, user), session, references) }) };
}
