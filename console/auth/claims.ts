import { ACTOR_MAX } from "../../operations/steering/audit-log.ts";
import type { Role, Session } from "../session.ts";
import type { AuthConfig } from "./config.ts";

/** Groups of a person that are read; large organisations have some hundred. */
const GROUPS_MAX = 2_000;

export type ClaimConfig = Pick<
  AuthConfig,
  "CONSOLE_NAME_CLAIM" | "CONSOLE_ROLE_CLAIM" | "CONSOLE_VIEWERS" | "CONSOLE_SUPPORT" | "CONSOLE_OPERATORS"
>;

export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string };

/** Who the claims of a verified ID token say it is. Undefined: somebody without a role. */
export function sessionOf(claims: Claims, config: ClaimConfig): Session | undefined {
  const role = roleOf(claims, config);
  return role && { name: nameOf(claims, config), role };
}

/** The highest of those that the person's groups give. */
function roleOf(
  claims: Claims,
  { CONSOLE_ROLE_CLAIM, CONSOLE_VIEWERS, CONSOLE_SUPPORT, CONSOLE_OPERATORS }: ClaimConfig,
): Role | undefined {
  const claim = Object.hasOwn(claims, CONSOLE_ROLE_CLAIM) ? claims[CONSOLE_ROLE_CLAIM] : undefined;
  const groups = new Set((Array.isArray(claim) ? claim.slice(0, GROUPS_MAX) : [claim]).filter((one) => typeof one === "string"));
  const isIn = (values: readonly string[]) => values.some((value) => groups.has(value));
  return isIn(CONSOLE_OPERATORS) ? "operator" : isIn(CONSOLE_SUPPORT) ? "support" : isIn(CONSOLE_VIEWERS) ? "viewer" : undefined;
}

/** As the log of actions takes it: without characters that would break a line or hide in it. */
function nameOf(claims: Claims, { CONSOLE_NAME_CLAIM }: ClaimConfig): string {
  const claim = Object.hasOwn(claims, CONSOLE_NAME_CLAIM) ? claims[CONSOLE_NAME_CLAIM] : undefined;
  // A boolean by the standard; some providers write it as a text. Who does not say it at all has no addresses that are not verified.
  const isForged = CONSOLE_NAME_CLAIM === "email" && String(claims.email_verified ?? true) !== "true";
  return (isForged ? "" : readable(claim)) || readable(claims.sub);
}

const readable = (claim: unknown): string =>
  typeof claim === "string"
    ? claim
        .replace(/[\p{C}\p{Z}]+/gu, " ")
        .trim()
        .slice(0, ACTOR_MAX)
    : "";
