import { EMAIL_SECTION } from "./email.ts";
import type { FieldSection } from "./page.ts";
import { PUSH_SECTION } from "./push.ts";
import { SMS_SECTION } from "./sms.ts";

/** Every part of a content whose fields have a table, as docs/content.md shows them. */
export const FIELD_SECTIONS: readonly FieldSection[] = [PUSH_SECTION, SMS_SECTION, EMAIL_SECTION];
