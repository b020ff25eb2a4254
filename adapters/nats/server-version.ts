import { compareVersions, parseVersion, type Version } from "../../runtime/version.ts";
import type { Danger } from "../unsafe-setting.ts";

interface Known {
  /** The first release with the bug, and the first without it. */
  from: Version;
  to: Version;
  /** Such a server is rejected at start; otherwise the bug is logged once per connection. */
  rejected: boolean;
  reason: string;
}

/** The oldest release that may be used. */
export const NATS_VERSION_MIN: Version = [2, 11, 0];

/** Bugs of releases that matter for work queues with an outbox. github.com/nats-io/nats-server/issues. */
const KNOWN: readonly Known[] = [
  {
    from: [0, 0, 0],
    to: NATS_VERSION_MIN,
    rejected: true,
    reason:
      "its answers about consumers carry no time, so the queue's lag is misjudged by the difference of the clocks, and consumers know no pause",
  },
  { from: [2, 11, 0], to: [2, 11, 12], rejected: false, reason: "tasks not yet on disk may be lost, and wait for the relay (#7594)" },
  { from: [2, 12, 0], to: [2, 12, 3], rejected: false, reason: "tasks not yet on disk may be lost, and wait for the relay (#7594)" },
  { from: [2, 12, 3], to: [2, 12, 4], rejected: false, reason: "a consumer whose file is damaged is deleted during recovery" },
  { from: [0, 0, 0], to: [2, 12, 9], rejected: false, reason: "a consumer may stand still after a purge or a deletion" },
];

export interface VersionVerdict {
  rejected: readonly Danger[];
  /** Bugs that Carillon tolerates. */
  known: readonly string[];
}

/** @param text the version from the server's INFO */
export function judgeNatsVersion(text: string): VersionVerdict {
  const version = parseVersion(text);
  // A custom build.
  if (!version) return { rejected: [], known: [`its version is ${JSON.stringify(text)}, of which nothing is known`] };
  const having = KNOWN.filter(({ from, to }) => compareVersions(from, version) <= 0 && compareVersions(version, to) < 0);
  const rejected = having
    .filter((k) => k.rejected)
    .map(({ reason }) => ({ setting: "the server's version", value: text, why: reason, fix: "run 2.12.9, 2.14 or newer" }));
  return { rejected, known: having.filter((k) => !k.rejected).map((k) => k.reason) };
}
