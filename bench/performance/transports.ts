import type { Limits, Side } from "../compare/rounds.ts";
import { measure, rate, type Section } from "../compare/section.ts";
import { measureDispatcher, startDispatching } from "../quick/dispatcher.ts";
import type { Question } from "./figure.ts";
import { otherDatabase } from "./other-database.ts";
import { measureProviders } from "./providers.ts";
import { comparisonLimits, figuresOf } from "./sections.ts";

/** Pushes in flight: what APNs allows on one connection. */
const IN_FLIGHT = 1_000;
const ANSWER_MS = 50;
/** Tasks before the dispatcher is measured, so that its code is compiled. */
const WARM_UP = 8_000;

/** What do dispatcher-apns and the providers cost beyond their transports? T9 to T12. */
export const measureTransports: Question = async ({ store, storeUrl, say }) => {
  const dispatcher = await measureDispatcher(comparisonLimits(say), storeUrl);
  const delay = await measureDelay(comparisonLimits(say), otherDatabase(storeUrl, "-delay"));
  return { figures: [...figuresOf(dispatcher, "T9", store), ...figuresOf(delay, "T10", store), ...(await measureProviders(say))] };
};

/** How much slower is dispatcher-apns where each push is answered only after a while? One process, one stub; only the stub's delay changes. */
async function measureDelay(limits: Limits, storeUrl: string): Promise<Section> {
  await using dispatching = await startDispatching(storeUrl, { DISPATCH_IN_FLIGHT: String(IN_FLIGHT) });
  const { stub, dispatcherPid, around, dispatch } = dispatching;
  await dispatch(WARM_UP);
  const side = (name: string, delayMs: number): Side => ({
    name,
    processes: { dispatcher: dispatcherPid, ...around },
    instruments: { stub: stub.pid },
    async run(items) {
      await stub.answerAfter(delayMs);
      return await dispatch(items);
    },
  });
  const [atOnce, later] = [side("answered at once", 0), side(`answered after ${ANSWER_MS} ms`, ANSWER_MS)];
  return await measure(
    `Sending: dispatcher-apns with ${IN_FLIGHT} in flight, to a stub that answers after ${ANSWER_MS} ms, compared with one that answers at once`,
    [atOnce, later],
    [{ what: `rate, ${later.name} / ${atOnce.name}`, over: rate(later.name), under: rate(atOnce.name) }],
    limits,
  );
}
