import { notificationId } from "../../adapters/ids.ts";
import type { NotificationRecord } from "../../core/delivery/notification.ts";
import type { Store } from "../../core/ports/store.ts";
import { findApp } from "../../operations/apps/apps.ts";
import { timelineOf } from "../../operations/why/timeline.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { readApp } from "../apps/with-apps.ts";
import { type Command, fail, type Invocation, text } from "../command.ts";
import { checkArguments } from "../gateway/argument-faults.ts";
import { openNamedStore } from "../open-store.ts";
import { printable, printResult } from "../output.ts";
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
      const asked = readAsked(given, values);
      await using store = await openNamedStore(env);
      const record = "key" in asked ? await findByKey(store, asked) : await findById(store, asked.notification);
      const story = timelineOf(record, await store.attempts.between(record.id, record.id), Date.now());
      const delivery = "key" in asked ? undefined : asked.delivery;
      if (delivery !== undefined && !story.deliveries.some(({ id }) => id === delivery))
        throw new OperatorError(`notification ${record.id} has no delivery ${delivery}`);
      printResult(values, story, () => storyText(story, delivery));
      return 0;
    },
  },
};

type Asked = { notification: string; delivery: string | undefined } | { app: string; key: string };

function readAsked(given: string | undefined, values: Invocation["values"]): Asked {
  const isByKey = values.app !== undefined || values.key !== undefined;
  if (given === undefined) {
    if (values.app === undefined || values.key === undefined) return fail("ID is missing; or give --app and --key");
    const [app, key] = [readApp({ values }), text(values.key) ?? ""];
    checkArguments("Notification", { idempotencyKey: key }, { idempotency_key: "--key" });
    return { app, key };
  }
  if (isByKey) fail("give either ID, or --app and --key");
  const [, notification, index] = ID.exec(given) ?? fail("ID must be 32 hex digits, or an id that begins with them");
  return { notification: notification!, delivery: index === undefined ? undefined : `${notification}${index}` };
}

async function findById({ notifications }: Pick<Store, "notifications">, id: string): Promise<NotificationRecord> {
  const found = await notifications.find(id);
  if (found === undefined) throw new OperatorError(`there is no notification ${id} in this store`);
  return found;
}

/** Finds a notification by app and key. An error names these, and not the id derived from them, which nobody has seen. */
async function findByKey({ notifications, apps }: Store, { app, key }: { app: string; key: string }): Promise<NotificationRecord> {
  const found = await notifications.find(notificationId(app, key));
  if (found !== undefined) return found;
  await findApp(apps, app);
  throw new OperatorError(`app ${app} has no notification with the key ${printable(key)} in this store`);
}
