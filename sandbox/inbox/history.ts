import type { DeliveryHistory } from "./view.ts";

/** What the inbox asks of the system that sends here. The sandbox knows nothing of it by itself. */
export interface Sender {
  /** What it knows of a delivery; undefined: nothing. */
  history(deliveryId: string): Promise<DeliveryHistory | undefined>;
  /** URL of the page on which the recipient of a delivery chooses; undefined: there is none. */
  preferencePage(deliveryId: string): Promise<string | undefined>;
}

/** How long an answer of the sender is waited for, in ms. */
const ANSWER_MS_MAX = 5_000;

/** Rejects where the sender does not answer in time. */
export async function ask<T>(question: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("the sender did not answer in time")), ANSWER_MS_MAX);
  try {
    return await Promise.race([question, promise]);
  } finally {
    clearTimeout(timer);
  }
}
