import { randomBytes } from "node:crypto";
import type { Logger } from "../../runtime/logger.ts";
import { createSampledLog } from "../../runtime/sampled-log.ts";
import type { Session } from "../session.ts";
import type { References } from "./references.ts";

/** Why somebody was not let in. */
export type LoginFailure = "no-login" | "rejected" | "no-role" | "unreachable" | "rate" | "link" | "foreign";

const REFERENCE_BYTES = 4;

/** One line for each sign-in and sign-out; of failures one for each reason in 10 s, with how many there were between. */
export interface LoginLog {
  signedIn(session: Session, by: "oidc" | "link"): void;
  signedOut(session: Session): void;
  /** What the page shows, too. @param code of the issuer or the library */
  failed(reason: LoginFailure, code?: string): string;
}

/** Names stand in lines as a keyed hash, because most are addresses; the log of operators' actions has them in full. */
export function createLoginLog(log: Logger, references: Pick<References, "ofName">): LoginLog {
  const failures = createSampledLog<LoginFailure>(log, "a sign-in to the console failed");
  return {
    signedIn: ({ name, role }, by) => log.info({ who: references.ofName(name), role, by }, "signed in to the console"),
    signedOut: ({ name, role }) => log.info({ who: references.ofName(name), role }, "signed out of the console"),
    failed(reason, code) {
      const reference = randomBytes(REFERENCE_BYTES).toString("hex");
      failures(reason, { reference, ...(code === undefined ? {} : { code }) });
      return reference;
    },
  };
}
