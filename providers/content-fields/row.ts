import type { Content } from "../../core/content/content.ts";

/**
 * Where a field's value is in the request that a provider received: the keys from the outermost on, with dots; a number is an index of a list, and
 * headers are below "headers".
 */
export interface Place {
  path: string;
  value: unknown;
}

/** One place, several, or none, with the reason in words. */
export type Arrival = Place | readonly Place[] | { not: string };

/**
 * What becomes of one field of a content at each provider of its channel: a row of docs/content.md, which a test sends to the sandboxes and compares
 * with what arrived.
 */
export interface FieldRow<ProviderName extends string = string> {
  /** As the contract spells it, without the part: subtitle, attachments.content_id. */
  field: string;
  /** Uses this field only, beside the least that there must be. */
  content: Content;
  arrives: Readonly<Record<ProviderName, Arrival>>;
}

export const placesOf = (arrival: Arrival): readonly Place[] => ("not" in arrival ? [] : "path" in arrival ? [arrival] : arrival);
