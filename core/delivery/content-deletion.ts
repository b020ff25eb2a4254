import { smsSizeOf } from "../content/sms-content.ts";
import type { NotificationRecord } from "./notification.ts";

/** What a notification refers to, of its app: addresses of large contents, and ids of blobs. */
export interface References {
  contents: string[];
  blobs: string[];
}

export const referencesOf = ({ contentHashes = {}, blobIds = [] }: Pick<NotificationRecord, "contentHashes" | "blobIds">): References => ({
  contents: Object.values(contentHashes),
  blobs: [...new Set(blobIds)],
});

/**
 * The notification without what it conveys; states and attempts stay, and the answer to a repeated key is the same. A notification whose content was
 * deleted is never opened again (opens()).
 */
export function withoutContent(record: NotificationRecord, now: number): NotificationRecord {
  const { contentHashes: _contentHashes, richApart: _richApart, blobIds: _blobIds, ...rest } = record;
  const { sms } = record.content;
  return { ...rest, content: {}, ...(sms && { smsSizeApart: smsSizeOf(sms) }), contentDeletedAt: now };
}

/** Whether a change of a delivery would open a notification again. */
export const opens = (set: { readonly nextAt?: number | undefined }): boolean => set.nextAt !== undefined;
