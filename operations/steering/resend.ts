import { notificationId } from "../../adapters/ids.ts";
import { CONTENT_BOUNDS, contentKeepUntil } from "../../core/content/reference.ts";
import { type Delivery, isOpen, type NotificationRecord } from "../../core/delivery/notification.ts";
import type { Store } from "../../core/ports/store.ts";
import { sha256Hex } from "../../runtime/hash.ts";
import { logged, type Order } from "./audit-log.ts";

/** `exists`: a command with the same reason resent it before, as this id. */
export type Resent =
  | { kind: "resent" | "exists"; notificationId: string; deliveries: number }
  | { kind: "unknown" | "open" | "content-gone" | "nothing-to-send" };

export type ResendRefusal = Exclude<Resent, { notificationId: string }>["kind"];

/**
 * Accepts a new notification with the stored content, to the endpoints that the old one was sent to, under a key made of the old id and the operator's reason: a
 * repeated command sends nothing twice. It lives as long as the old one did. Opt-outs, quiet hours and pauses apply before it is sent, as to every notification.
 * Refused while the old one is open: it will still be sent.
 */
export const resend = (
  store: Pick<Store, "notifications" | "contents" | "blobs" | "steering" | "time">,
  { id, ...order }: Order & { id: string },
): Promise<Resent> =>
  logged(store, { ...order, action: "resend", target: id }, async (at): Promise<{ result: Resent; words: string }> => {
    const old = await store.notifications.find(id);
    if (old === undefined) return refused("unknown");
    if (old.deliveries.some(({ state }) => isOpen(state))) return refused("open");
    if (old.contentDeletedAt !== undefined) return refused("content-gone");
    const key = `resend-${id}-${sha256Hex(order.reason).slice(0, 16)}`;
    const next = again(old, { id: notificationId(old.app, key), key, at });
    if (next.deliveries.length === 0) return refused("nothing-to-send");
    if (!(await keepContent(store, next))) return refused("content-gone");
    const [inserted] = await store.notifications.insert([next]);
    const kind = inserted?.kind === "inserted" ? "resent" : "exists";
    const result = { kind, notificationId: next.id, deliveries: next.deliveries.length } as const;
    return { result, words: `${kind === "resent" ? "resent as" : "was resent before as"} ${next.id}` };
  });

const refused = (kind: ResendRefusal) => ({ result: { kind }, words: `refused: ${kind}` }) as const;

/** A suppressed or cancelled delivery was meant not to be sent. */
const isSent = ({ state, endpoint }: Delivery) => endpoint !== undefined && state !== "suppressed" && state !== "cancelled";

/** The deliveries keep their order: of a mail to several the recipient's own copy comes first. */
function again(old: NotificationRecord, { id, key, at }: { id: string; key: string; at: number }): NotificationRecord {
  const { traceparent: _traceparent, ...rest } = old;
  const deliveries = old.deliveries.filter(isSent).map(({ channel, endpoint, copy, endpointId }, i): Delivery => {
    const to = { channel, ...(endpoint && { endpoint }), ...(copy && { copy }), ...(endpointId !== undefined && { endpointId }) };
    return { id: `${id}-${i}`, ...to, state: "pending", attempt: 1, publishCount: 0, nextAt: at };
  });
  const times = { acceptedAt: at, sendAt: at, expiresAt: at + (old.expiresAt - old.sendAt) };
  return { ...rest, id, idempotencyKey: key, ...times, deliveries };
}

/** As a gateway does, before the notification that refers to them is stored. False where the store no longer has them. */
async function keepContent({ contents, blobs }: Pick<Store, "contents" | "blobs">, n: NotificationRecord): Promise<boolean> {
  const keepUntil = contentKeepUntil(n.expiresAt, CONTENT_BOUNDS);
  for (const id of n.blobIds ?? []) if ((await blobs.keep(n.app, id, keepUntil)) === undefined) return false;
  for (const hash of Object.values(n.contentHashes ?? {})) {
    const content = await contents.get(n.app, hash);
    if (content === undefined) return false;
    await contents.put([{ app: n.app, hash, content, keepUntil }]);
  }
  return true;
}
