import { endpointId as idOf } from "../adapters/ids.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { ContactRecord } from "../core/ports/contact-store.ts";
import { isRefusal } from "../core/ports/opt-outs.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import type { Refusal } from "../core/preferences/answer.ts";
import { BatchFullError, BatchLateError, createBatcher } from "../runtime/batch.ts";
import type { DispatchParts } from "./dispatch-parts.ts";
import { createOptOutCheck } from "./opt-out-check.ts";

/** Endpoints of one read: one round trip, and at most 100 users each. */
const READ_MAX = 200;
/** More than the in-flight limit of a pod can ever be. */
const WAITING_MAX = 20_000;
/**
 * Longest from the request to the answer, in ms: after it the task returns to the queue, as where the store is unavailable. With the question
 * about opt-outs and the time to the first byte, an endpoint that moved is not called for its former user later than 5 s after.
 */
const READ_MS_MAX = 2_000;

/** Whether the endpoint of a task still belongs to its recipient, with the endpoint as it is registered now. */
export type CheckedRecipient =
  /** `askedAt`: before opt-outs were asked for, by the monotonic clock. */
  | { kind: "reachable"; endpoint: Endpoint; askedAt: number }
  | { kind: "suppressed"; why: "no-endpoint" | Refusal }
  | { kind: "contacts-unreadable" }
  /** `unreadableMs`: for how long, in ms. */
  | { kind: "preferences-unreadable"; unreadableMs: number };
export type RecipientCheck = (task: DeliveryTask) => Promise<CheckedRecipient>;

type Key = Pick<ContactRecord, "app" | "endpointId">;
const nameOf = ({ app, endpointId }: Key) => `${endpointId} ${app}`;

/**
 * Reads again, before each attempt, whom the endpoint belongs to. A registered one that was removed, or moved to another person, is not called
 * for this one; one that was renewed is called with its new data. An address that was given outright obeys the opt-outs of everyone who
 * registered it. Where the store cannot be read, every class waits, critical too: what is late can still be read, and what another person has
 * read cannot be taken back.
 */
export function createRecipientCheck(parts: Pick<DispatchParts, "store" | "optOuts" | "channel" | "clock">): RecipientCheck {
  const { store, clock } = parts;
  const checkOptOut = createOptOutCheck(parts);
  const limits = { batchMax: READ_MAX, waitingMax: WAITING_MAX, concurrency: 2, waitMaxMs: READ_MS_MAX };
  const reads = createBatcher(
    async (keys: readonly Key[]) => {
      const found = Map.groupBy(await store.contacts.find(keys), nameOf);
      return keys.map((key) => found.get(nameOf(key)) ?? []);
    },
    limits,
    clock,
  );
  /** Undefined: the store cannot be read, or not in time. */
  const contactsOf = async (key: Key): Promise<ContactRecord[] | undefined> => {
    const began = clock.monotonic();
    try {
      const found = await reads.add(key);
      return clock.monotonic() - began <= READ_MS_MAX ? found : undefined;
    } catch (error) {
      if (error instanceof StoreError || error instanceof BatchFullError || error instanceof BatchLateError) return undefined;
      throw error;
    }
  };
  const ask = async (task: DeliveryTask, endpoint: Endpoint, userIds: readonly (string | undefined)[]): Promise<CheckedRecipient> => {
    const { answer, askedAt, unreadableMs } = await checkOptOut(task, userIds);
    if (answer === "allowed") return { kind: "reachable", endpoint, askedAt };
    return isRefusal(answer) ? { kind: "suppressed", why: answer } : { kind: "preferences-unreadable", unreadableMs };
  };

  return async (task) => {
    const { app, userId, endpointId, endpoint } = task;
    const id = userId === undefined ? idOf(endpoint) : endpointId;
    // Of development builds before 0.1.0, which kept no id: whose the endpoint is cannot be told.
    if (id === undefined) return ask(task, endpoint, [userId]);
    // First the contacts: the answer about opt-outs is good for a shorter time.
    const contacts = await contactsOf({ app, endpointId: id });
    if (contacts === undefined) return { kind: "contacts-unreadable" };
    if (userId === undefined) return ask(task, endpoint, contacts.length > 0 ? contacts.map((contact) => contact.userId) : [undefined]);
    const own = contacts.find((contact) => contact.userId === userId);
    return own === undefined ? { kind: "suppressed", why: "no-endpoint" } : ask(task, own.endpoint, [userId]);
  };
}
