import type { PushContent } from "../../core/content/push-content.ts";
import type { PushChannel } from "../../core/delivery/channel.ts";
import type { Arrival, FieldRow } from "./row.ts";

// What rows about pushes are made of.

export type PushRow = FieldRow<PushChannel>;

const LEAST: PushContent = { title: "Dinner", body: "is ready", data: {} };
export const SILENT: PushContent = { title: "", body: "", data: {} };

export const row = (field: string, over: Partial<PushContent>, arrives: PushRow["arrives"]): PushRow => ({
  field,
  content: { push: { ...LEAST, ...over } },
  arrives,
});
export const at = (path: string, value: unknown) => ({ path, value });
export const not = (reason: string): Arrival => ({ not: reason });
