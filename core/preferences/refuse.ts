import type { ChangeOrigin, PreferenceChange } from "./change.ts";
import { isSameOptOut, type OptOut, type PreferenceRecord } from "./opt-out.ts";

/** Whether a choice is about less than another: consents of this kind would count more than a refusal of the other. */
const isNarrower = (choice: OptOut, than: OptOut): boolean =>
  !isSameOptOut(choice, than) && covers(than.channel, choice.channel) && covers(than.category, choice.category);

const covers = (all: string, one: string) => all === "*" || all === one;

/**
 * The change by which somebody refuses all that `refused` is about: with the consents that would count more, it forgets them. Undefined where nothing would change, so
 * that repeating it writes nothing. Pure.
 */
export function refusing(record: PreferenceRecord | undefined, refused: OptOut, origin: ChangeOrigin): PreferenceChange | undefined {
  const { optOuts = [], consents = [] } = record ?? {};
  const forget = consents.filter((consent) => isNarrower(consent, refused));
  const isRefused = optOuts.some((choice) => isSameOptOut(choice, refused) && choice.until === refused.until);
  return isRefused && forget.length === 0 ? undefined : { optOut: [refused], forget, origin };
}
