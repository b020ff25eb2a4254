import { EMAIL_SECTION } from "./email.ts";
import type { FieldSection } from "./page.ts";
import { PUSH_SECTION } from "./push.ts";

/** Every part of a content whose fields have a table, as docs/content.md shows them. */
export const FIELD_SECTIONS: readonly FieldSection[] = [PUSH_SECTION, EMAIL_SECTION];
