/** Carillon's objects on one server (streams, consumers, collections, indexes) by name, with their settings as an operator reads them. */
export type Shape = ReadonlyMap<string, Readonly<Record<string, string>>>;

export type ShapeChange =
  | { kind: "created" | "unchanged"; name: string }
  | { kind: "changed"; name: string; settings: { setting: string; from: string; to: string }[] };

const UNSET = "not set";

/** How each object that exists now differs from before. Pure. */
export function shapeChanges(before: Shape, now: Shape): ShapeChange[] {
  return [...now].map(([name, settings]): ShapeChange => {
    const old = before.get(name);
    if (old === undefined) return { kind: "created", name };
    const names = [...new Set([...Object.keys(old), ...Object.keys(settings)])];
    const changed = names
      .map((setting) => ({ setting, from: old[setting] ?? UNSET, to: settings[setting] ?? UNSET }))
      .filter(({ from, to }) => from !== to);
    return changed.length === 0 ? { kind: "unchanged", name } : { kind: "changed", name, settings: changed };
  });
}
