/** Major, minor, patch. */
export type Version = readonly [number, number, number];

/** The first "1.2.3" in `text`; a suffix such as "-RC.1" is ignored. Undefined if there is none. */
export function parseVersion(text: string): Version | undefined {
  const match = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

/** Below 0: `a` is older. */
export const compareVersions = (a: Version, b: Version): number => a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
