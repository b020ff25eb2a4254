import { notificationId } from "../../adapters/ids.ts";
import { timelineOf } from "../../operations/why/timeline.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { type Command, fail, text } from "../command.ts";
import { openNamedStore } from "../open-store.ts";
import { printResult } from "../output.ts";
import { storyText } from "./report.ts";

/** A notification's id, alone or as the beginning of a delivery's or an attempt's. */
const ID = /^([0-9a-f]{32})(-\d+)?(\/\d+)?$/;

export const WHY_COMMANDS: Readonly<Record<string, Command>> = {
  why: {
    about:
      "tells in words what happened to a notification or a delivery, why it is in its state and what happens next; endpoints are masked (STORE_URL)",
    usage: "ID | --app ID --key IDEMPOTENCY_KEY [--json]",
    details: "ID is that of a notification, a delivery or an attempt, as answers, logs and other commands print it.",
    options: { app: { type: "string" }, key: { type: "string" }, json: { type: "boolean" } },
    async run({ values, positionals: [given], env }) {
      const { notification, delivery } = readIds(given, text(values.app), text(values.key));
      await using store = await openNamedStore(env);
      const record = await store.notifications.find(notification);
      if (!record) throw new OperatorError(`there is no notification ${notification} in this store`);
      const story = timelineOf(record, await store.attempts.between(notification, notification), Date.now());
      if (delivery !== undefined && !story.deliveries.some(({ id }) => id === delivery))
        throw new OperatorError(`notification ${notification} has no delivery ${delivery}`);
      printResult(values, story, () => storyText(story, delivery));
      return 0;
    },
  },
};

function readIds(given: string | undefined, app: string | undefined, key: string | undefined) {
  if (given === undefined) {
    if (app === undefined || key === undefined) return fail("ID is missing; or give --app and --key");
    return { notification: notificationId(app, key), delivery: undefined };
  }
  if (app !== undefined || key !== undefined) fail("give either ID, or --app and --key");
  const [, notification, index] = ID.exec(given) ?? fail("ID must be 32 hex digits, or an id that begins with them");
  return { notification: notification!, delivery: index === undefined ? undefined : `${notification}${index}` };
}
