import type { Faults, StandingFault } from "../kit/faults.ts";
import { providerName } from "./client/words.ts";
import { buttonsOf, faultWords, UNTIL_REMOVED } from "./fault-buttons.ts";
import { READERS } from "./read/message.ts";
import type { FaultsView, Standing } from "./view.ts";

export function faultsView(faults: Faults): FaultsView {
  return {
    providers: Object.entries(READERS).map(([name, { channel }]) => ({
      name,
      label: providerName(name),
      channel,
      buttons: buttonsOf(name),
    })),
    standing: faults.standing().map(standingOf),
    untilRemoved: UNTIL_REMOVED,
  };
}

const VERBS: Readonly<Record<string, string>> = { answer: "answers", "no-answer": "gives", webhooks: "sends" };

function standingOf({ id, provider, match, times, of, do: action }: StandingFault): Standing {
  const left = of >= UNTIL_REMOVED ? "until removed" : `${times} of ${of} left`;
  return {
    id,
    text: `${providerName(provider)} ${VERBS[action.kind] ?? "does"} ${faultWords(provider, action)}${match === undefined ? "" : ` to ${match}`}, ${left}`,
  };
}
