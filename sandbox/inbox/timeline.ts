import type { LedgerEntry } from "../kit/ledger.ts";
import type { SentReceipt } from "../kit/receipts.ts";
import { providerName } from "./client/words.ts";
import { orderedWords } from "./fault-buttons.ts";
import { ask, type Sender } from "./history.ts";
import type { DeliveryHistory, Timeline, TimelineEvent } from "./view.ts";

/** What is known of a message: what arrived and was reported here, and what its sender says of it. */
export async function timelineOf(
  id: number,
  entry: LedgerEntry,
  receipts: readonly SentReceipt[],
  sender: Sender | undefined,
): Promise<Timeline> {
  const own = [arrivalOf(entry), ...receiptsIn(receipts)];
  const { sender: knowledge, history } = await asked(entry, sender);
  if (history === undefined) return { id, sender: knowledge, events: latestFirst(own) };
  const { events, ...known } = history;
  return { id, sender: knowledge, history: known, events: latestFirst([...events, ...own]) };
}

/** The sort is stable, so that of two events in the same millisecond the later one stands first. */
const latestFirst = (events: readonly TimelineEvent[]) => events.toSorted((a, b) => a.at - b.at).reverse();

async function asked(entry: LedgerEntry, sender: Sender | undefined): Promise<Pick<Timeline, "sender"> & { history?: DeliveryHistory }> {
  if (sender === undefined) return { sender: "not-connected" };
  if (entry.deliveryId === "") return { sender: "unknown" };
  try {
    const history = await ask(sender.history(entry.deliveryId));
    return history === undefined ? { sender: "unknown" } : { sender: "known", history };
  } catch {
    return { sender: "failed" };
  }
}

function arrivalOf({ accepted, answer, receivedAt, provider, fault }: LedgerEntry): TimelineEvent {
  const name = providerName(provider);
  return {
    at: receivedAt,
    title: accepted ? `Arrived at ${name}` : `Rejected by ${name}`,
    detail: `Answered: ${fault === undefined ? answer : orderedWords(provider, fault)}.`,
    mark: accepted ? "" : "bad",
  };
}

const TOLD = {
  accepted: "Receipt sent: accepted",
  delivered: "Receipt sent: delivered",
  delayed: "Receipt sent: delayed",
  undelivered: "Receipt sent: not delivered",
} as const;

/** Equal ones, of the parts of a long text, as one. */
function receiptsIn(receipts: readonly SentReceipt[]): TimelineEvent[] {
  const groups = Map.groupBy(receipts, ({ kind, reason, taken }) => `${kind} ${reason} ${taken}`);
  return [...groups.values()].map((group) => {
    const { kind, reason, taken, at } = group.at(-1)!;
    const detail = [
      group.length > 1 ? `${group.length} of them.` : "",
      reason === undefined ? "" : `Code ${reason}.`,
      taken ? "The sender took it." : "The sender did not take it.",
    ];
    return { at, title: TOLD[kind], detail: detail.filter(Boolean).join(" "), mark: taken ? "" : "bad" };
  });
}
