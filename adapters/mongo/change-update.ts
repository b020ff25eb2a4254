import type { Document } from "mongodb";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { opens } from "../../core/delivery/content-deletion.ts";
import { TOGETHER_MS } from "../../core/delivery/outbox-key.ts";
import type { DeliveryChange } from "../../core/ports/notification-store.ts";
import type { NotificationDocument } from "./notification-document.ts";
import type { UpdateById } from "./writes.ts";

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
/** Earlier versions stored publishCount as publications. */
const isWaiting = (delivery: string): Document => ({
  $and: [
    { $eq: [`${delivery}.state`, "pending"] },
    {
      $or: [
        { $eq: [{ $ifNull: [`${delivery}.publishCount`, { $ifNull: [`${delivery}.publications`, 0] }] }, 0] },
        { $eq: [`${delivery}.publishedAt`, 0] },
      ],
    },
  ],
});
const deliveriesWhere = (cond: Document): Document => ({ $filter: { input: "$deliveries", as: "delivery", cond } });
const isUnderKey: Document = {
  $or: [
    { $not: ["$$firstWaits"] },
    { $and: [isWaiting("$$delivery"), { $lte: ["$$delivery.nextAt", { $add: ["$$next", TOGETHER_MS] }] }] },
  ],
};
/** As core/delivery/outbox-key.ts has it: what `found` is while a delivery is open. */
const ofPlace = (found: Document): Document => ({
  $let: {
    vars: { next: { $min: "$deliveries.nextAt" } },
    in: {
      $let: {
        vars: { first: { $arrayElemAt: [deliveriesWhere({ $eq: ["$$delivery.nextAt", "$$next"] }), 0] } },
        in: {
          $let: {
            vars: { firstWaits: isWaiting("$$first"), open: deliveriesWhere({ $gt: ["$$delivery.nextAt", null] }) },
            in: { $cond: [{ $gt: ["$$next", null] }, found, "$$REMOVE"] },
          },
        },
      },
    },
  },
});
const keyed: Document = {
  $map: { input: { $filter: { input: "$$open", as: "delivery", cond: isUnderKey } }, as: "delivery", in: "$$delivery.channel" },
};
const channels: Document = {
  $reduce: {
    input: { $filter: { input: [...CHANNELS], as: "channel", cond: { $in: ["$$channel", keyed] } } },
    initialValue: "",
    in: { $concat: ["$$value", { $cond: [{ $eq: ["$$value", ""] }, "", "+"] }, "$$this"] },
  },
};
const outboxKey = ofPlace({
  $cond: ["$$firstWaits", { $concat: ["$notificationClass", ".", channels, ".", "$app"] }, "$notificationClass"],
});
const laterDue = ofPlace({
  $min: {
    $map: {
      input: "$$open",
      as: "delivery",
      in: { $cond: [isUnderKey, { $ifNull: ["$$delivery.expiresAt", "$expiresAt"] }, "$$delivery.nextAt"] },
    },
  },
});
const lastEnd: Document = { $max: ["$acceptedAt", { $max: "$deliveries.endedAt" }] };
/** As core/delivery/notification.ts has it. */
export const endedAt: Document = { $cond: [{ $gt: [{ $min: "$deliveries.nextAt" }, null] }, "$$REMOVE", lastEnd] };

const publishCountIn = (counts: readonly number[] | undefined): Document =>
  counts ? { $or: [{ publishCount: { $in: [...counts] } }, { publications: { $in: [...counts] } }] } : {};

/** One atomic write: the delivery, where it still is as expected, marked with `token`; and `due`, `outboxKey`, `laterDue`, `endedAt` and `failedAt` from all deliveries. */
export function changeUpdate({ notificationId, deliveryId, expect, set }: DeliveryChange, token: string): UpdateById<NotificationDocument> {
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
        ...(opens(set) ? { contentDeletedAt: { $exists: false } } : {}),
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
        { $set: { due, outboxKey, laterDue, endedAt, failedAt } },
      ],
    },
  };
}
