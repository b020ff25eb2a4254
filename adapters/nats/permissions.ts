import { errors } from "@nats-io/transport-node";
import { type Danger, UnsafeSettingError } from "../unsafe-setting.ts";
import type { Nats } from "./connect.ts";
import { subjectsOverlap } from "./settings.ts";

/** A server tells a user what it may do; since 2.10. */
const USER_INFO = "$SYS.REQ.USER.INFO";
const ASK_MS = 1_500;

interface Rules {
  allow?: readonly string[];
  deny?: readonly string[];
}

/**
 * Rejects with an UnsafeSettingError where the user of this connection may not publish to one of these subjects: otherwise the first task would
 * show it. Where the server does not say what the user may do, nothing is checked.
 */
export async function checkMayPublish(nats: Nats, subjects: readonly string[]): Promise<void> {
  const rules = await readPublishRules(nats);
  const missing = rules ? subjects.filter((subject) => !isAllowed(subject, rules)) : [];
  if (missing.length > 0)
    throw new UnsafeSettingError(
      `NATS at ${nats.getServer()}`,
      missing.map((subject) => denied("publish", subject)),
    );
}

export const isAllowed = (subject: string, { allow, deny = [] }: Rules): boolean =>
  (allow === undefined || allow.length === 0 || allow.some((pattern) => subjectsOverlap(pattern, subject))) &&
  !deny.some((pattern) => subjectsOverlap(pattern, subject));

export const denied = (operation: string, subject: string): Danger => ({
  setting: `the user's permission to ${operation} ${operation === "publish" ? "to " : ""}${subject}`,
  value: "missing",
  why: operation === "publish" ? "what it carries would never arrive" : "nothing would be received",
  fix: `allow it to the user of NATS_USER in the server's authorization`,
});

async function readPublishRules(nats: Nats): Promise<Rules | undefined> {
  try {
    const answer = await nats.request(USER_INFO, "", { timeout: ASK_MS });
    const { data } = answer.json<{ data?: { permissions?: { publish?: Rules } } }>();
    return data?.permissions?.publish;
  } catch (error) {
    if (Object.values(errors).some((kind) => error instanceof kind) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
