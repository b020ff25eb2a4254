import type { Channel, NotificationClass } from "../delivery/channel.ts";
import { type BlockKind, blocks } from "./block.ts";
import type { CategoryDefault } from "./category.ts";
import type { PreferenceState } from "./change.ts";
import { choicesThatApply, endOf, isSameOptOut, type OptOut } from "./opt-out.ts";

/** Why something is not sent to someone. */
export const REFUSALS = ["opted-out", "no-consent", "stopped", "complained", "bounced", "blocked"] as const;
export type Refusal = (typeof REFUSALS)[number];

const REFUSAL_OF_BLOCK: Readonly<Record<BlockKind, Refusal>> = {
  stop: "stopped",
  complaint: "complained",
  bounce: "bounced",
  manual: "blocked",
};

/** What one notification asks of the preferences of those it would reach. */
export interface Asked {
  channel: Channel;
  category: string;
  notificationClass: NotificationClass;
  /** Of a text: the name of its sender; undefined: the default. */
  pool?: string | undefined;
  /** For who chose nothing. */
  default: CategoryDefault;
}

/**
 * Why this must not be sent; undefined: it may. What decides: a block; else each subject's narrowest choice (channel and category, then the category, the
 * channel, everything); else the category's default. Of several subjects (the user and the endpoint) one that refuses is enough. Choices do not count in a
 * required category, except for marketing, which people may always refuse. Pure.
 */
export function refusalOf(subjects: readonly PreferenceState[], asked: Asked, now: number): Refusal | undefined {
  for (const { blocks: all } of subjects) {
    const block = all.find((b) => blocks(b, asked.notificationClass, asked.pool));
    if (block) return REFUSAL_OF_BLOCK[block.kind];
  }
  const isRequired = asked.default === "required";
  if (isRequired && asked.notificationClass !== "marketing") return undefined;
  const about = choicesThatApply(asked.channel, asked.category);
  const choices = subjects.map((state) => choiceAt(state, about, now));
  if (choices.includes("refused")) return "opted-out";
  return isRequired || asked.default === "opted-in" || choices.includes("consented") ? undefined : "no-consent";
}

/** What a subject chose at the first of these scopes where it chose; undefined: at none. Pure. */
export function choiceAt(
  { optOuts, consents }: Pick<PreferenceState, "optOuts" | "consents">,
  scopes: readonly OptOut[],
  now: number,
): "refused" | "consented" | undefined {
  for (const scope of scopes) {
    const speaks = (choice: OptOut) => isSameOptOut(choice, scope) && endOf(choice) > now;
    if (optOuts.some(speaks)) return "refused";
    if (consents.some(speaks)) return "consented";
  }
  return undefined;
}
