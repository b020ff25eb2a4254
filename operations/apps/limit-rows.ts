import type { AppLimits } from "../../core/apps/limits.ts";

/** An app's own limits by the names that `carillon app limits set` has for them. */
export function limitRows({
  ratePerSecond,
  burst,
  classes,
  openMax,
  scheduledMax,
  dailyMax,
  weight,
  ...lists
}: AppLimits): [name: string, value: string][] {
  const listed = (items: readonly string[] | undefined) => items && (items.join(",") || "none");
  return [
    ...[["rate", ratePerSecond] as const, ["burst", burst] as const, ["classes", classes?.join(",")] as const],
    ...[["open-max", openMax] as const, ["scheduled-max", scheduledMax] as const],
    ...Object.entries(dailyMax ?? {}).flatMap(([channel, byClass]) =>
      Object.entries(byClass).map(([name, max]) => ["daily-max", `${channel}/${name}=${max}`] as const),
    ),
    ...[["sms-prefixes", listed(lists.smsPrefixes)] as const, ["sms-senders", listed(lists.smsSenders)] as const],
    ...[["email-from", listed(lists.emailFrom)] as const],
    ...[["overrides", listed(lists.overrides)] as const, ["weight", weight] as const],
    ...Object.entries(lists.contentDays ?? {}).map(([name, days]) => ["content-days", `${name}=${days}`] as const),
    ...Object.entries(lists.metadataDays ?? {}).map(([name, days]) => ["metadata-days", `${name}=${days}`] as const),
  ].flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, String(value)]]));
}
