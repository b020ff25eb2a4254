import { preferenceVariables } from "../adapters/opt-outs/open-preferences.ts";
import { storeVariables } from "../adapters/store/store-config.ts";
import { unsubscribeKeyVariables } from "../adapters/unsubscribe-links.ts";
import { accountsVariables } from "../providers/account-files.ts";
import { PROVIDERS } from "../providers/list.ts";
import { ConfigError, hostPort, optionalHostPort, type Values, type Variables } from "../runtime/config.ts";
import { publicUrl } from "../runtime/public-url.ts";

/** Every provider that has webhooks. */
export const WEBHOOKS = PROVIDERS.flatMap(({ name, title, webhook }) => (webhook ? [{ name, title, ...webhook }] : []));
/** Every provider that reports by mail. */
export const BOUNCES = PROVIDERS.flatMap(({ name, bounces }) => (bounces ? [{ name, ...bounces }] : []));
const urlSigners = WEBHOOKS.filter(({ coversUrl }) => coversUrl);

const feedbackUrl = publicUrl({
  reason: `where providers reach this role from outside: signatures of ${urlSigners.map(({ title }) => title).join(" and ")} cover it. /<provider> is appended to its path, and served with and without that path; port 0 stands for the port listened on`,
});

/** What signatures are verified with. */
const webhookVariables: Variables = Object.assign({}, ...WEBHOOKS.map(({ variables }) => variables));

/** What return paths are verified with. */
const bounceVariables: Variables = Object.assign({}, ...BOUNCES.map(({ variables }) => variables));
/** What files of the default account may change while the role runs. */
export const watchedVariables: Variables = { ...webhookVariables, ...bounceVariables };

const ownVariables = {
  ...storeVariables,
  ...preferenceVariables,
  ...unsubscribeKeyVariables,
  FEEDBACK_LISTEN: hostPort({
    default: "0.0.0.0:7720",
    reason: "address that receives providers' webhooks, behind an ingress that ends TLS",
  }),
  FEEDBACK_LMTP_LISTEN: optionalHostPort({
    default: "",
    reason:
      "address that takes bounces by LMTP from a mail server that is routed SMTP_BOUNCE_DOMAIN; neither encrypted nor authenticated, so for its network only; empty: none are taken",
  }),
  FEEDBACK_URL: feedbackUrl,
};
export const feedbackVariables = { ...ownVariables, ...watchedVariables, ...accountsVariables };
export type FeedbackConfig = Values<typeof ownVariables & typeof accountsVariables> & Readonly<Record<string, unknown>>;

/** Throws a ConfigError where a signature covers the URL and the URL is not set. */
export function requireUrl(config: FeedbackConfig): void {
  const signers = urlSigners.map(({ secret }) => secret).filter((name) => config[name] !== "");
  if (config.FEEDBACK_URL === "" && signers.length > 0)
    throw new ConfigError([`FEEDBACK_URL: must be set, because ${signers.join(" and ")} ${signers.length > 1 ? "are" : "is"}`]);
}

/**
 * Throws a ConfigError where bounces cannot be taken, or people's texts not be answered, as an account is configured.
 * @param provider whose account it is; default: the settings are those of every provider's default account
 */
export function checkAccount(settings: Readonly<Record<string, unknown>>, provider?: string): void {
  const isMeant = ({ name }: { name: string }) => provider === undefined || name === provider;
  const faults = [
    ...BOUNCES.filter(isMeant).map(({ fault }) => fault(settings)),
    ...WEBHOOKS.filter(isMeant).map(({ reader }) => reader.texts?.reply?.fault(settings)),
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) throw new ConfigError(faults);
}

/** Throws a ConfigError where there would be nobody to take bounces for. */
export function requireBounces(config: FeedbackConfig): void {
  const isConfigured = BOUNCES.some(({ domain }) => config[domain] !== "") || config.PROVIDER_ACCOUNTS_DIR !== "";
  if (config.FEEDBACK_LMTP_LISTEN !== undefined && !isConfigured)
    throw new ConfigError([`${BOUNCES.map(({ domain }) => domain).join(" or ")}: must be set, because FEEDBACK_LMTP_LISTEN is`]);
}
