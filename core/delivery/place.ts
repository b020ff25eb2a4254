import { FIRST_PLACE, type Place } from "../ports/notification-store.ts";

export const placeOf = ({ acceptedAt, id }: Place): Place => ({ acceptedAt, id });

/** The place as an opaque cursor: a caller's next page begins behind it. */
export const placeText = ({ acceptedAt, id }: Place): string => `${acceptedAt}-${id}`;

/** @param text of placeText(); "" is before the first */
export function parsePlace(text: string): Place {
  const [acceptedAt = "", id = ""] = text.split("-");
  return text === "" ? FIRST_PLACE : { acceptedAt: Number(acceptedAt), id };
}
