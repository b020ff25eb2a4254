import type { Channel } from "../delivery/channel.ts";
import { refusalOf } from "./answer.ts";
import { type Category, defaultOf } from "./category.ts";
import type { ChangeEntry, ChangeOrigin, PreferenceChange, PreferenceState } from "./change.ts";
import { EVERYTHING, endOf, isSameOptOut, lacking, type OptOut, type PreferenceRecord } from "./opt-out.ts";

// What a person does on the page where they choose, as a function from one state of choices to the next. Pure. Blocks are not choices and stay.

type Choices = Pick<PreferenceState, "optOuts" | "consents">;

/** Where one person chooses: what holds without a choice depends on the category and the person's tenant. */
export interface ChoicePlace {
  channel: Channel;
  category: Category;
  tenant: string | undefined;
}

/** Whether these choices let notifications of this category through on this channel. */
export function isChosen({ optOuts, consents }: Choices, { channel, category, tenant }: ChoicePlace, now: number): boolean {
  const asked = { channel, category: category.name, notificationClass: category.notificationClass ?? "transactional" } as const;
  return refusalOf([{ optOuts, consents, blocks: [] }], { ...asked, default: defaultOf(category, channel, tenant) }, now) === undefined;
}

/** With one place turned on or off. On: by forgetting what was chosen there, where that is enough, else by a consent. Not during a pause: see choosing(). */
function chosen(state: Choices, place: ChoicePlace, isWanted: boolean, now: number): Choices {
  const own: OptOut = { channel: place.channel, category: place.category.name };
  const forgotten = { optOuts: without(state.optOuts, [own]), consents: without(state.consents, [own]) };
  if (!isWanted) return { ...forgotten, optOuts: [...forgotten.optOuts, own] };
  return isChosen(forgotten, place, now) ? forgotten : { ...forgotten, consents: [...forgotten.consents, own] };
}

/** With these places turned on or off. A pause goes on. */
export function choosing(state: Choices, wishes: readonly { place: ChoicePlace; isWanted: boolean }[], now: number): Choices {
  const until = pausedUntil(state, now);
  const next = wishes.reduce((so, { place, isWanted }) => chosen(so, place, isWanted, now), resumed(state, now));
  return until === undefined ? next : paused(next, until);
}

/** Until when everything is paused, in ms since the epoch; undefined: it is not. */
export function pausedUntil({ optOuts, consents }: Choices, now: number): number | undefined {
  const ends = optOuts.flatMap((choice) => {
    const isOfPause = isSameOptOut(choice, EVERYTHING) || consents.some((consent) => isSameOptOut(consent, choice));
    return isOfPause && choice.until !== undefined && choice.until > now ? [choice.until] : [];
  });
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/**
 * With a refusal of everything until then. A consent would count more than that, so each is paused by a refusal of its own, and counts again afterwards. A
 * refusal that lasts as long or longer stays as it is.
 */
export function paused({ optOuts, consents }: Choices, until: number): Choices {
  const added = [EVERYTHING, ...consents]
    .filter((about) => !optOuts.some((choice) => isSameOptOut(choice, about) && endOf(choice) >= until))
    .map(({ channel, category }): OptOut => ({ channel, category, until }));
  return { optOuts: [...without(optOuts, added), ...added], consents };
}

/** Without the pause, if there is one: as it will be after it. */
export function resumed(state: Choices, now: number): Choices {
  const until = pausedUntil(state, now);
  if (until === undefined) return state;
  return { optOuts: state.optOuts.filter((choice) => choice.until !== until), consents: state.consents };
}

/** With a refusal of everything that stays. Consents, which would count more, and pauses are gone. */
export const allRefused = ({ optOuts }: Choices): Choices => ({
  optOuts: [...optOuts.filter((choice) => choice.until === undefined && !isSameOptOut(choice, EVERYTHING)), EVERYTHING],
  consents: [],
});

/** As it was before a change, if that was the last one. */
export const takenBack = (state: Choices, { before, after }: Pick<ChangeEntry, "before" | "after">): Choices => ({
  optOuts: [...without(state.optOuts, after.optOuts), ...before.optOuts],
  consents: [...without(state.consents, after.consents), ...before.consents],
});

/** The change that makes these choices of a record, applied to this version of it alone; undefined: it has them already. */
export function changeTo(record: PreferenceRecord, wanted: Choices, origin: ChangeOrigin): PreferenceChange | undefined {
  const differing = [
    ...lacking(record.optOuts, wanted.optOuts),
    ...lacking(wanted.optOuts, record.optOuts),
    ...lacking(record.consents, wanted.consents),
    ...lacking(wanted.consents, record.consents),
  ];
  if (differing.length === 0) return undefined;
  const touched = (choice: OptOut) => differing.some((other) => isSameOptOut(choice, other));
  return {
    optOut: wanted.optOuts.filter(touched),
    consent: wanted.consents.filter(touched),
    forget: [...record.optOuts, ...record.consents].filter(touched).map(({ channel, category }) => ({ channel, category })),
    ifVersion: record.version,
    origin,
  };
}

const without = (choices: readonly OptOut[], others: readonly OptOut[]): OptOut[] =>
  choices.filter((choice) => !others.some((other) => isSameOptOut(choice, other)));
