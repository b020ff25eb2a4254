/** Servers omit a setting that is off, or send one of these values. */
export function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "" || value === 0 || value === "default") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** For messages to an operator. */
export const shown = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? "not set"));

/** Whether a subject can match both patterns. */
export function subjectsOverlap(a: string, b: string): boolean {
  const [left, right] = [a.split("."), b.split(".")];
  for (let i = 0; ; i++) {
    const [l, r] = [left[i], right[i]];
    if (l === undefined || r === undefined) return l === r;
    if (l === ">" || r === ">") return true;
    if (l !== r && l !== "*" && r !== "*") return false;
  }
}
