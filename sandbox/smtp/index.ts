import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { Simulator, SimulatorDefinition } from "../kit/definition.ts";
import { BOUNCE_DOMAIN, emailSenderEnv } from "../kit/email-sender.ts";
import { type Bounces, createBounces } from "./bounces.ts";
import { listenSmtp, SMTP_STAGES, type SmtpAccount } from "./simulator.ts";

const USER = "carillon";
/** Beside the password's file. */
const ACCESS_TOKEN = "smtp-access-token";

export const smtp: SimulatorDefinition<Simulator & { bounces: Bounces }> = {
  sideRequestTargets: SMTP_STAGES,
  open({ file, certificate, now }) {
    const password = file("smtp-password", () => randomBytes(16).toString("base64url"));
    const accessToken = file(ACCESS_TOKEN, () => randomBytes(16).toString("base64url"));
    const account: SmtpAccount = { user: USER, password: password.text, accessToken: accessToken.text };
    const bounceKey = file("smtp-bounce-key", () => randomBytes(24).toString("base64url"));
    const { bounces, report, close } = createBounces({ now });
    return {
      bounces,
      listen(wanted, parts) {
        parts.closing.addEventListener("abort", close, { once: true });
        return listenSmtp(wanted, { ...parts, account, certificate, report });
      },
      env(origin) {
        const { hostname, port } = new URL(origin);
        return {
          SMTP_HOST: hostname,
          SMTP_PORT: port,
          SMTP_SECURITY: "starttls",
          SMTP_USER: USER,
          SMTP_PASSWORD_FILE: password.path,
          SMTP_BOUNCE_DOMAIN: BOUNCE_DOMAIN,
          SMTP_BOUNCE_KEY_FILE: bounceKey.path,
          ...emailSenderEnv,
        };
      },
    };
  },
};

/** The environment that logs in by XOAUTH2 instead of by password. */
export function withAccessToken(env: Record<string, string>): Record<string, string> {
  const path = join(dirname(env.SMTP_PASSWORD_FILE ?? ""), ACCESS_TOKEN);
  return { ...env, SMTP_PASSWORD_FILE: "", SMTP_OAUTH2_ACCESS_TOKEN_FILE: path };
}
