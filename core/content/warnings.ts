import type { Content } from "./content.ts";
import { emailWarnings } from "./email-warnings.ts";
import { pushWarnings } from "./push-warnings.ts";
import { smsWarnings } from "./sms-warnings.ts";
import type { WarningRule } from "./warning-rule.ts";

/** What a recipient would not get, or not as the content says, although nothing forbids to send it. As in WarningRule. */
export interface ContentWarning {
  code: string;
  field: string;
  message: string;
}

/** Facts are those of the providers' documentation; docs/content.md has them by field. */
export const WARNING_RULES: readonly WarningRule[] = [...pushWarnings, ...smsWarnings, ...emailWarnings];

/** What to know before this content is sent by this provider. */
export const warningsOf = (provider: string, content: Content): ContentWarning[] =>
  WARNING_RULES.flatMap(({ code, field, providers, says }) => {
    const message = providers.some((name) => name === provider) ? says(content) : undefined;
    return message === undefined ? [] : [{ code, field, message }];
  });
