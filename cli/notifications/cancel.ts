import { stateFromProto } from "../../adapters/wire/convert.ts";
import {
  type CancelledDelivery,
  type CancelNotificationsRequest,
  type CancelNotificationsResponse,
  CancelOutcome,
} from "../../gen/carillon/v1/notification_service.ts";
import { type Command, fail, type Invocation, refuseEmpty, text } from "../command.ts";
import { checkArguments } from "../gateway/argument-faults.ts";
import { loggedChange, OPTIONAL_ORDER_USAGE, ORDER_OPTIONS, readOrder } from "../order.ts";
import { AS_APP_OPTIONS, AS_APP_USAGE, type AsApp, asApp } from "./as-app.ts";

/** Calls that one command makes at most: each cancels up to a thousand notifications. */
const CALLS_MAX = 10_000;

/** In the order printed. */
const OUTCOMES: readonly (readonly [outcome: CancelOutcome, name: string, means: string])[] = [
  [CancelOutcome.CANCEL_OUTCOME_CANCELLED, "cancelled", "not sent, and never will be"],
  [CancelOutcome.CANCEL_OUTCOME_IN_FLIGHT, "in-flight", "with a provider right now; not repeated"],
  [CancelOutcome.CANCEL_OUTCOME_IN_DOUBT, "in-doubt", "may have reached the provider; not repeated"],
  [CancelOutcome.CANCEL_OUTCOME_TOO_LATE, "too-late", "had ended before"],
];

export const CANCEL_COMMANDS: Readonly<Record<string, Command>> = {
  cancel: {
    about:
      "cancels what was not given to a provider yet, and says of each delivery what is true; exit status 1 if not every delivery was cancelled. With " +
      "--app an operator cancels in the store (STORE_URL), with --by and --why, which the audit log keeps",
    usage: `ID... | --key KEY | --cancel-key KEY [--user USER] | --user USER  ${OPTIONAL_ORDER_USAGE} [--json] ${AS_APP_USAGE}`,
    options: {
      ...AS_APP_OPTIONS,
      ...{ key: { type: "string" }, "cancel-key": { type: "string" }, user: { type: "string" } },
      ...ORDER_OPTIONS,
      json: { type: "boolean" },
    },
    async run(invocation) {
      const requests = readRequests(invocation);
      const order = text(invocation.values.app) === undefined ? undefined : readOrder(invocation);
      await using app = await asApp(invocation);
      const run = async () => {
        const counts = new Map<CancelOutcome, number>();
        for (const request of requests)
          for await (const { deliveries } of pages(app, request))
            for (const delivery of deliveries) {
              counts.set(delivery.outcome, (counts.get(delivery.outcome) ?? 0) + 1);
              process.stdout.write(`${lineOf(delivery, invocation.values.json === true)}\n`);
            }
        return counts;
      };
      const of = { action: "cancel", target: targetText(invocation) };
      const counts = app.store && order ? await loggedChange(app.store, { ...order, ...of }, run, resultText) : await run();
      if (invocation.values.json !== true) process.stdout.write(`\n${countsText(counts)}\n`);
      return [...counts].some(([outcome]) => outcome !== CancelOutcome.CANCEL_OUTCOME_CANCELLED) ? 1 : 0;
    },
  },
};

async function* pages(app: AsApp, request: CancelNotificationsRequest): AsyncGenerator<CancelNotificationsResponse> {
  let pageToken = "";
  for (let calls = 0; calls < CALLS_MAX; calls++) {
    const answer = await app.cancel({ ...request, pageToken });
    yield answer;
    pageToken = answer.nextPageToken;
    if (pageToken === "") return;
  }
}

/** Which option gives a field. */
const NAMES = { idempotency_key: "--key", cancel_key: "--cancel-key", user_id: "--user", reason: "--why", actor: "--by" };

function readRequests({ values, positionals: ids }: Invocation): CancelNotificationsRequest[] {
  // An empty --user would cancel for everybody whom the rest names.
  refuseEmpty(values);
  const [key, cancelKey, user] = [text(values.key), text(values["cancel-key"]), text(values.user)];
  const ways = [ids.length > 0, key !== undefined, cancelKey !== undefined || user !== undefined].filter(Boolean).length;
  if (ways !== 1) fail("give exactly one of: ids, --key, or --cancel-key and --user together or alone");
  const bare: CancelNotificationsRequest = {
    ...{ notificationId: "", idempotencyKey: key ?? "", cancelKey: cancelKey ?? "", userId: user ?? "" },
    ...{ reason: text(values.why) ?? "", actor: text(values.by) ?? "", pageToken: "" },
  };
  checkArguments("CancelNotificationsRequest", bare, NAMES);
  for (const id of ids) if (!/^[0-9a-f]{32}$/.test(id)) fail(`"${id.slice(0, 60)}" is not the id of a notification`);
  return ids.length > 0 ? [...new Set(ids)].map((notificationId) => ({ ...bare, notificationId })) : [bare];
}

/** For the audit log, which outlives an erasure: keys and users' ids may name a person, ids of notifications do not. */
function targetText({ values, positionals: ids }: Invocation): string {
  const by = (["key", "cancel-key", "user"] as const).filter((option) => values[option] !== undefined);
  return `app:${text(values.app)}, ${ids.length === 0 ? `by ${by.join(" and ")}` : ids.length === 1 ? ids[0] : `${ids.length} ids`}`;
}

const resultText = (counts: ReadonlyMap<CancelOutcome, number>) =>
  [...counts].map(([outcome, count]) => `${count} ${nameOf(outcome)}`).join(", ") || "nothing open was found";

const nameOf = (outcome: CancelOutcome) => OUTCOMES.find(([of]) => of === outcome)?.[1] ?? "unknown";

function lineOf({ deliveryId, outcome, state }: CancelledDelivery, asJson: boolean): string {
  const line = { delivery: deliveryId, outcome: nameOf(outcome), state: stateFromProto(state) ?? "unknown" };
  return asJson ? JSON.stringify(line) : `${line.delivery}  ${line.outcome.padEnd(9)}  ${line.state}`;
}

function countsText(counts: ReadonlyMap<CancelOutcome, number>): string {
  const lines = OUTCOMES.flatMap(([outcome, name, means]) => {
    const count = counts.get(outcome);
    return count === undefined ? [] : [`${count} ${name}: ${means}`];
  });
  return lines.length === 0 ? "nothing open was found" : lines.join("\n");
}
