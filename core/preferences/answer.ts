import type { Channel, NotificationClass } from "../delivery/channel.ts";
import { type BlockKind, blocks } from "./block.ts";
import type { CategoryDefault } from "./category.ts";
import type { PreferenceState } from "./change.ts";
import { choicesThatApply, type OptOut } from "./opt-out.ts";

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
 * Why this must not be sent; undefined: it may. The first that speaks decides: a block; of each subject's choices that for this channel and
 * category, for the category, for the channel, for everything; the category's default. Of several subjects (the user and the endpoint) one that
 * refuses is enough. What is required knows no choices, unless it is marketing: people may always refuse that. Pure.
 */
export function refusalOf(subjects: readonly PreferenceState[], asked: Asked, now: number): Refusal | undefined {
  for (const { blocks: all } of subjects) {
    const block = all.find((b) => blocks(b, asked.notificationClass, asked.pool));
    if (block) return REFUSAL_OF_BLOCK[block.kind];
  }
  const isRequired = asked.default === "required";
  if (isRequired && asked.notificationClass !== "marketing") return undefined;
  const choices = subjects.map((state) => choiceOf(state, asked, now));
  if (choices.includes("refused")) return "opted-out";
  return isRequired || asked.default === "opted-in" || choices.includes("consented") ? undefined : "no-consent";
}

/** The narrowest choice of one subject; undefined: it chose nothing that is about this. */
function choiceOf(state: PreferenceState, { channel, category }: Asked, now: number): "refused" | "consented" | undefined {
  for (const about of choicesThatApply(channel, category)) {
    if (speaks(state.optOuts, about, now)) return "refused";
    if (speaks(state.consents, about, now)) return "consented";
  }
  return undefined;
}

const speaks = (choices: readonly OptOut[], { channel, category }: Pick<OptOut, "channel" | "category">, now: number) =>
  choices.some((c) => c.channel === channel && c.category === category && (c.until === undefined || c.until > now));
