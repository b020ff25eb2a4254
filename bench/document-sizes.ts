import { BSON, type Document, MongoClient, type ObjectId } from "mongodb";
import type { Channel } from "../core/delivery/channel.ts";

/** Documents read to measure their size. */
const DOCUMENTS = 200;

export interface DocumentSize {
  what: string;
  bytes: number;
  /** The part of these bytes that is the caller's content. */
  contentBytes: number;
  n: number;
}

/** BSON bytes of a channel's stored documents; empty when the store is not MongoDB. */
export async function documentSizes(storeUrl: string, channel: Channel): Promise<DocumentSize[]> {
  if (!storeUrl.startsWith("mongodb")) return [];
  await using client = await MongoClient.connect(storeUrl);
  const db = client.db();
  const sent = { "deliveries.0.channel": channel, "deliveries.0.state": { $in: ["sent", "delivered"] } };
  const notifications = await db.collection("notifications").find(sent).limit(DOCUMENTS).toArray();
  const ids = notifications.map((n) => `${String(n._id)}-0/1` as unknown as ObjectId);
  const attempts = await db
    .collection("attempts")
    .find({ _id: { $in: ids } })
    .toArray();
  const size = (what: string, all: readonly Document[]): DocumentSize => ({
    what: `${what}, ${channel}`,
    bytes: all.reduce((sum, d) => sum + BSON.calculateObjectSize(d), 0) / all.length,
    contentBytes: all.reduce((sum, d) => sum + Buffer.byteLength(String(d.content ?? "")), 0) / all.length,
    n: all.length,
  });
  return [size("notification", notifications), size("attempt", attempts)];
}
