import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { hideEndpoints, hideOwnEndpoints } from "../../core/delivery/hide-endpoints.ts";
import { type Block, isSameBlock } from "../../core/preferences/block.ts";
import type { ChangeEntry, PreferenceState } from "../../core/preferences/change.ts";
import { userIdOf } from "../../core/preferences/opt-out.ts";
import type { HistoryEntry } from "../person-view.ts";
import { scopeWords } from "./person-matrix.ts";

/** How much of free texts is shown: nothing, with endpoints hidden, or all. */
export type Sight = "none" | "masked" | "all";

interface Shown {
  sight: Sight;
  /** The person's. */
  own: readonly Endpoint[];
}

const seen = (text: string | undefined, { sight, own }: Shown) =>
  text === undefined || sight === "none" ? "" : sight === "masked" ? hideEndpoints(text, own) : text;

/** Where a change came from: a word of ours, or of the app. Every role sees it. */
const sourceSeen = (source: string | undefined, { sight, own }: Shown) => seen(source, { own, sight: sight === "none" ? "masked" : sight });

/** A colleague, a program, or the person, whose id this role sees. */
const actorSeen = (actor: string | undefined, { sight, own }: Shown) =>
  actor === undefined || sight === "none" ? "" : sight === "masked" ? hideOwnEndpoints(actor, own) : actor;

/** One change in words. @param endpoint masked, of a change of an endpoint */
export function historyEntry(entry: ChangeEntry, endpoint: string, shown: Shown): HistoryEntry {
  const { at, version, subject, before, after, origin } = entry;
  const isBlock = after.blocks.length > 0;
  const lines = [...stateWords(after, shown), ...removedWords(before, after)];
  return {
    ...{ at, version, endpoint: userIdOf(subject) === undefined ? endpoint : "" },
    changes: lines.length === 0 ? ["nothing changed"] : lines,
    mark: isBlock ? "bad" : "",
    actor: actorSeen(origin.actor, shown),
    source: sourceSeen(origin.source, shown),
    evidence: seen(origin.evidence, shown),
  };
}

/** "stop, of the sender deals, for marketing" */
const blockWords = ({ kind, pool, classes }: Block): string =>
  [
    kind,
    ...(pool === undefined ? [] : [`of the sender ${pool || "by default"}`]),
    ...(classes ? [`for ${classes.join(" and ")}`] : []),
  ].join(", ");

function stateWords(after: PreferenceState, shown: Shown): string[] {
  return [
    ...after.blocks.map((block) => {
      const why = [sourceSeen(block.source, shown), seen(block.reason, shown)].filter(Boolean).join(": ");
      return `blocked: ${blockWords(block)} (${why})`;
    }),
    ...after.optOuts.map((choice) => `${scopeWords(choice)}: opted out`),
    ...after.consents.map((choice) => `${scopeWords(choice)}: opted in`),
  ];
}

/** What a change took away and did not replace. */
function removedWords(before: PreferenceState, after: PreferenceState): string[] {
  const now = new Set([...after.optOuts, ...after.consents].map(({ channel, category }) => `${channel} ${category}`));
  const isGone = ({ channel, category }: { channel: string; category: string }) => !now.has(`${channel} ${category}`);
  return [
    ...before.blocks.filter((b) => !after.blocks.some((a) => isSameBlock(a, b))).map((block) => `block lifted: ${blockWords(block)}`),
    ...before.optOuts.filter(isGone).map((choice) => `${scopeWords(choice)}: opt-out undone`),
    ...before.consents.filter(isGone).map((choice) => `${scopeWords(choice)}: opt-in withdrawn`),
  ];
}
