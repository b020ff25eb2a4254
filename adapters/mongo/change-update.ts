import type { AnyBulkWriteOperation, Document } from "mongodb";
import type { DeliveryChange } from "../../core/ports/notification-store.ts";
import type { NotificationDocument } from "./notification-document.ts";

/**
 * Tokens kept with a delivery. A writer reads its own back a round trip later; a delivery has at most four writers (relay, dispatcher,
 * feedback, operator), so no four later changes come in between while the delivery is still in the state that the writer expects.
 */
const TOKENS_KEPT = 4;

const failed: Document = { $filter: { input: "$deliveries", as: "delivery", cond: { $eq: ["$$delivery.state", "failed"] } } };
/** Does not move back while a delivery is failed: a reader that pages through the failures would miss it. */
const failedAt: Document = {
  $let: {
    vars: { latest: { $max: { $map: { input: failed, as: "delivery", in: "$$delivery.endedAt" } } } },
    in: { $cond: [{ $gt: ["$$latest", null] }, { $max: ["$$latest", "$failedAt"] }, "$$REMOVE"] },
  },
};

const due: Document = { $ifNull: [{ $min: "$deliveries.nextAt" }, "$$REMOVE"] };
/** The delivery that is due first. */
const first: Document = {
  $arrayElemAt: [{ $filter: { input: "$deliveries", as: "delivery", cond: { $eq: ["$$delivery.nextAt", "$$next"] } } }, 0],
};
/** Earlier versions stored publishCount as publications. */
const isUnpublished: Document = {
  $and: [
    { $eq: ["$$first.state", "pending"] },
    {
      $or: [
        { $eq: [{ $ifNull: ["$$first.publishCount", { $ifNull: ["$$first.publications", 0] }] }, 0] },
        { $eq: ["$$first.publishedAt", 0] },
      ],
    },
  ],
};
/** As core/delivery/outbox-key.ts has it. */
const outboxKey: Document = {
  $let: {
    vars: { next: { $min: "$deliveries.nextAt" } },
    in: {
      $let: {
        vars: { first },
        in: {
          $cond: [
            { $gt: ["$$next", null] },
            { $cond: [isUnpublished, { $concat: ["$notificationClass", ".", "$$first.channel", ".", "$app"] }, "$notificationClass"] },
            "$$REMOVE",
          ],
        },
      },
    },
  },
};
const lastEnd: Document = { $max: ["$acceptedAt", { $max: "$deliveries.endedAt" }] };
/** As core/delivery/notification.ts has it. */
export const endedAt: Document = { $cond: [{ $gt: [{ $min: "$deliveries.nextAt" }, null] }, "$$REMOVE", lastEnd] };

const publishCountIn = (counts: readonly number[] | undefined): Document =>
  counts ? { $or: [{ publishCount: { $in: [...counts] } }, { publications: { $in: [...counts] } }] } : {};

/** One atomic write: the delivery, where it still is as expected, marked with `token`; and `due`, `outboxKey`, `endedAt` and `failedAt` from all deliveries. */
export function changeUpdate(
  { notificationId, deliveryId, expect, set }: DeliveryChange,
  token: string,
): AnyBulkWriteOperation<NotificationDocument> {
  const entries = Object.entries(set);
  // $literal, because a text may begin with a dollar sign.
  const merged: Document = {
    $mergeObjects: [
      "$$delivery",
      { $literal: Object.fromEntries(entries.filter(([, value]) => value !== undefined)) },
      { changes: { $slice: [{ $concatArrays: [[token], { $ifNull: ["$$delivery.changes", []] }] }, TOKENS_KEPT] } },
    ],
  };
  const removed = entries.filter(([, value]) => value === undefined).map(([field]) => field);
  const changed = removed.reduce((input, field): Document => ({ $unsetField: { field, input } }), merged);
  const isIt = { $eq: ["$$delivery.id", { $literal: deliveryId }] };
  return {
    updateOne: {
      filter: {
        _id: notificationId,
        purging: { $exists: false },
        deliveries: {
          $elemMatch: {
            id: deliveryId,
            attempt: expect.attempt,
            state: { $in: [...expect.states] },
            ...publishCountIn(expect.publishCounts),
            ...(expect.nextAt === undefined ? {} : { nextAt: expect.nextAt }),
          },
        },
      },
      update: [
        { $set: { deliveries: { $map: { input: "$deliveries", as: "delivery", in: { $cond: [isIt, changed, "$$delivery"] } } } } },
        { $set: { due, outboxKey, endedAt, failedAt } },
      ],
    },
  };
}
