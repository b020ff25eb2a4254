import type { Block } from "../../core/preferences/block.ts";
import type { Category } from "../../core/preferences/category.ts";
import type { ChangeEntry, PreferenceState } from "../../core/preferences/change.ts";
import type { OptOut, PreferenceRecord } from "../../core/preferences/opt-out.ts";
import { table } from "../table.ts";

const time = (ms: number) => new Date(ms).toISOString();

const choiceText = ({ channel, category, until }: OptOut) =>
  `${channel === "*" ? "every channel" : channel}, ${category === "*" ? "every category" : category}${until === undefined ? "" : `, until ${time(until)}`}`;

const blockText = ({ kind, pool, classes, reason, source, at }: Block) =>
  [
    kind,
    ...(pool === undefined ? [] : [pool === "" ? "of the default sender" : `of the sender ${pool}`]),
    ...(classes ? [`for ${classes.join(" and ")}`] : []),
    ...[`since ${time(at)} by ${source}`, ...(reason === "" ? [] : [`(${reason})`])],
  ].join(" ");

const stateLines = ({ optOuts, consents, blocks }: PreferenceState, mark = "  "): string[] => [
  ...blocks.map((block) => `${mark}blocked  ${blockText(block)}`),
  ...optOuts.map((choice) => `${mark}no       ${choiceText(choice)}`),
  ...consents.map((choice) => `${mark}yes      ${choiceText(choice)}`),
];

export function recordText(record: PreferenceRecord): string {
  if (record.version === 0) return "no preferences";
  const lines = stateLines(record);
  return [
    `version ${record.version}, ${time(record.updatedAt)}`,
    ...(lines.length > 0 ? lines : ["  nothing is chosen, and nothing blocks"]),
  ].join("\n");
}

export function historyText(entries: readonly ChangeEntry[]): string {
  if (entries.length === 0) return "no changes";
  return entries
    .map(({ version, at, origin: { actor, source, evidence }, before, after }) => {
      const who = [
        actor ?? "the app",
        ...(source === undefined ? [] : [`by ${source}`]),
        ...(evidence === undefined ? [] : [`(${evidence})`]),
      ];
      return [`version ${version}, ${time(at)}: ${who.join(" ")}`, ...stateLines(before, "  - "), ...stateLines(after, "  + ")].join("\n");
    })
    .join("\n");
}

export function categoriesText(categories: readonly Category[]): string {
  if (categories.length === 0) return "no categories";
  const rows = categories.map(({ name, default: own, notificationClass = "-", channelsOff = [], hidden, labels }) => [
    ...[name, own, notificationClass, channelsOff.join(",") || "-", hidden ? "hidden" : "shown"],
    Object.entries(labels)
      .map(([tag, { title }]) => `${tag}: ${title}`)
      .join("; ") || "-",
  ]);
  return table(["category", "default", "class", "channels off", "people", "labels"], rows);
}
