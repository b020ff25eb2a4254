/**
 * Capabilities that a task may need and this version has. What sends differently from the versions before it gets a name here, and its tasks
 * name it, so that an older dispatcher gives them back instead of sending them without what it does not know.
 */
export const NEEDS = [
  "content-by-reference",
  "app-accounts",
  "apns-application",
  "apns-environment",
  "rich-push",
  "rich-sms",
  "rich-email",
  "blobs",
  "ttl",
  "apns-voip",
  "apns-live-activity",
  "fcm-installation",
] as const;
export type Need = (typeof NEEDS)[number];
const KNOWN: ReadonlySet<string> = new Set<string>(NEEDS);

/** Those of a task's needs that this version does not know. */
export const unknownNeeds = (needs: readonly string[]): string[] => needs.filter((need) => !KNOWN.has(need));
