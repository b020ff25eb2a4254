import type { PersonQuestion } from "../person-view.ts";

/** The page of a person: what names them stands behind the #, which no server is sent. */
export const personLink = ({ app, user }: PersonQuestion): string => `/people#${new URLSearchParams({ app, user })}`;
