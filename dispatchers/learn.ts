import { endpointId } from "../adapters/ids.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { AttemptRecord } from "../core/ports/attempt-store.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import type { PreferenceChange } from "../core/preferences/change.ts";
import { type Learned, learnedChange, stillToDo } from "../core/preferences/learned.ts";
import { endpointSubject, userSubject } from "../core/preferences/opt-out.ts";
import type { DispatchParts } from "./dispatch-parts.ts";

/**
 * Keeps what the provider told of the recipient, where it is not known yet. If it cannot be stored, the provider tells it again with the next send. Never
 * rejects.
 */
export function createLearn({ preferences, clock, log }: Pick<DispatchParts, "preferences" | "clock" | "log">) {
  async function keep(app: string, subject: string, change: PreferenceChange): Promise<void> {
    const record = (await preferences.get(app, subject)) ?? unavailable();
    // An opt-out of every mail is always possible.
    const whole: PreferenceChange = { optOut: [{ channel: "email", category: "*" }], origin: change.origin };
    for (const wanted of [change, whole]) {
      const todo = stillToDo(record, wanted);
      if (todo === undefined) return;
      const updated = (await preferences.update(app, subject, todo)) ?? unavailable();
      if (!updated.tooMany) return;
    }
  }

  return async (task: DeliveryTask, { id, provider }: AttemptRecord, learned: Learned): Promise<void> => {
    const { app, userId, endpoint, content, category } = task;
    const pool = content.sms && (content.sms.sender ?? "");
    const { about, change } = learnedChange(learned, { provider, pool, category, attemptId: id, at: clock.now() });
    const subject = about === "user" && userId !== undefined ? userSubject(userId) : endpointSubject(endpointId(endpoint));
    await keep(app, subject, change).catch((error: unknown) =>
      log.warn({ err: error, attempt: id, learned: learned.kind }, "what a provider said of a recipient could not be kept"),
    );
  };
}

function unavailable(): never {
  throw new StoreError("preferences could not be read or changed");
}
