/** Servers leave out what is off, or say so in one of these ways. */
export function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "" || value === 0 || value === "default") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** For a line an operator reads. */
export const shown = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? "not set"));

/** Whether one subject may match both patterns. */
export function subjectsOverlap(a: string, b: string): boolean {
  const [left, right] = [a.split("."), b.split(".")];
  for (let i = 0; ; i++) {
    const [l, r] = [left[i], right[i]];
    if (l === undefined || r === undefined) return l === r;
    if (l === ">" || r === ">") return true;
    if (l !== r && l !== "*" && r !== "*") return false;
  }
}
