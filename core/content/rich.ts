import { CONTENT_PARTS, type ContentPart } from "../delivery/channel.ts";
import type { Content } from "./content.ts";
import { RICH_EMAIL_FIELDS } from "./email-content.ts";
import { RICH_PUSH_FIELDS } from "./push-content.ts";
import { RICH_SMS_FIELDS } from "./sms-content.ts";

const isAnyGiven = <T extends object>(part: T | undefined, fields: readonly (keyof T)[]) =>
  part !== undefined && fields.some((field) => part[field] !== undefined);

/** The parts that use a field which dispatchers of 0.1 do not know: they would send such a part without it. */
export function richParts({ push, sms, email }: Content): ContentPart[] {
  const isRich: Record<ContentPart, boolean> = {
    push: isAnyGiven(push, RICH_PUSH_FIELDS),
    sms: isAnyGiven(sms, RICH_SMS_FIELDS),
    email: isAnyGiven(email, RICH_EMAIL_FIELDS),
  };
  return CONTENT_PARTS.filter((part) => isRich[part]);
}
