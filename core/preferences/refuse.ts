import { applyChange, type ChangeOrigin, type PreferenceChange } from "./change.ts";
import { endOf, isSameOptOut, type OptOut, type PreferenceRecord } from "./opt-out.ts";

/** Whether a choice is about less than another: consents of this kind would count more than a refusal of the other. */
const isNarrower = (choice: OptOut, than: OptOut): boolean =>
  !isSameOptOut(choice, than) && covers(than.channel, choice.channel) && covers(than.category, choice.category);

const covers = (all: string, one: string) => all === "*" || all === one;

/**
 * The change by which somebody refuses all that `refused` is about. It forgets the consents to less, which would count more. A consent to a category on every
 * channel counts more than a refusal of one channel, too: it stays for the other channels, and the category is refused on this one; where that would be more
 * choices than there may be, it is forgotten. Undefined where nothing would change, so that repeating it writes nothing. Pure.
 */
export function refusing(record: PreferenceRecord | undefined, refused: OptOut, origin: ChangeOrigin): PreferenceChange | undefined {
  if (record === undefined) return { optOut: [refused], forget: [], origin };
  const { optOuts, consents, app, subject } = record;
  const isRefused = optOuts.some((choice) => isSameOptOut(choice, refused) && choice.until === refused.until);
  const forget = consents.filter((consent) => isNarrower(consent, refused));
  // Forgetting a consent forgets a refusal of exactly the same, too: it stays.
  const keptBeside = (forgotten: readonly OptOut[]) => optOuts.filter((choice) => forgotten.some((other) => isSameOptOut(choice, other)));
  const crossing = consents.filter(({ channel, category }) => isOneChannel(refused) && channel === "*" && category !== "*");
  const added = crossing
    .map(({ category }): OptOut => ({ ...refused, category }))
    .filter((wanted) => !optOuts.some((choice) => isSameOptOut(choice, wanted) && endOf(choice) >= endOf(wanted)));
  if (isRefused && forget.length === 0 && added.length === 0) return undefined;
  const change = { optOut: [refused, ...keptBeside(forget), ...added], forget, origin };
  const isTooMany = added.length > 0 && applyChange(record, { app, subject, change, now: record.updatedAt }) === undefined;
  if (!isTooMany) return change;
  const all = [...forget, ...crossing];
  return { optOut: [refused, ...keptBeside(all)], forget: all, origin };
}

/** All of one channel. */
const isOneChannel = ({ channel, category }: OptOut) => channel !== "*" && category === "*";
