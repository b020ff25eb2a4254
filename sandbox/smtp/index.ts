import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { SimulatorDefinition } from "../kit/definition.ts";
import { emailSenderEnv } from "../kit/email-sender.ts";
import { listenSmtp, SMTP_STAGES, type SmtpAccount } from "./simulator.ts";

const USER = "carillon";
/** Beside the password's file. */
const ACCESS_TOKEN = "smtp-access-token";

export const smtp: SimulatorDefinition = {
  sideRequestTargets: SMTP_STAGES,
  open({ file, certificate }) {
    const password = file("smtp-password", () => randomBytes(16).toString("base64url"));
    const accessToken = file(ACCESS_TOKEN, () => randomBytes(16).toString("base64url"));
    const account: SmtpAccount = { user: USER, password: password.text, accessToken: accessToken.text };
    return {
      listen: (wanted, parts) => listenSmtp(wanted, { ...parts, account, certificate }),
      env(origin) {
        const { hostname, port } = new URL(origin);
        return {
          SMTP_HOST: hostname,
          SMTP_PORT: port,
          SMTP_SECURITY: "starttls",
          SMTP_USER: USER,
          SMTP_PASSWORD_FILE: password.path,
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
