import { isAddress } from "./address.ts";

/** The sender that the environment of the sandbox names. */
export const EMAIL_SENDER = { address: "bells@carillon.dev", name: "Carillon" };
const DOMAIN = "@carillon.dev";

/** Every simulated e-mail provider has verified the domain of that sender. */
export const isVerifiedSender = (address: string) => isAddress(address) && address.toLowerCase().endsWith(DOMAIN);

/** Domain of the return paths of mails by SMTP. */
export const BOUNCE_DOMAIN = "bounces.carillon.dev";

export const isReturnPath = (address: string) => isAddress(address) && address.toLowerCase().endsWith(`@${BOUNCE_DOMAIN}`);

export const emailSenderEnv = { EMAIL_FROM: EMAIL_SENDER.address, EMAIL_FROM_NAME: EMAIL_SENDER.name, EMAIL_FROM_ALLOWED: DOMAIN };
