import { createWebhookSecret, sealWebhookSecret } from "../../adapters/webhook-secrets.ts";
import type { Store } from "../../core/ports/store.ts";
import {
  ENDPOINT_NAME,
  ENDPOINT_NAME_RULE,
  ENDPOINTS_MAX,
  urlFault,
  type WebhookEndpoint,
  withNewSecret,
} from "../../core/webhooks/endpoint.ts";
import { isLoopback } from "../../runtime/loopback.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { findApp, KEY_LIFE_MS_MAX } from "./apps.ts";

type Webhooks = Pick<Store, "apps" | "webhooks">;

/**
 * Adds an endpoint and resolves with its secret, which is shown once: the store holds it sealed. Of an endpoint that exists it changes the URL and enables it;
 * it keeps its secrets, so none is returned. Rejects with an OperatorError.
 * @param keys of WEBHOOK_KEYS_FILE
 */
export async function setWebhook(
  { apps, webhooks }: Webhooks,
  app: string,
  { name, url }: Pick<WebhookEndpoint, "name" | "url">,
  keys: readonly string[],
): Promise<{ secret?: string }> {
  if (!ENDPOINT_NAME.test(name)) throw new OperatorError(`NAME ${ENDPOINT_NAME_RULE}`);
  const fault = urlFault(url, isLoopback);
  if (fault !== undefined) throw new OperatorError(`URL ${fault}; what is given has ${url.length} characters`);
  await findApp(apps, app);
  const secret = createWebhookSecret();
  const state = { isNew: false };
  await webhooks.change(app, (before) => {
    const known = before.find((one) => one.name === name);
    state.isNew = known === undefined;
    if (known) return before.map((one) => (one === known ? { name, url, secrets: one.secrets } : one));
    if (before.length >= ENDPOINTS_MAX) throw new OperatorError(`app ${app} has ${ENDPOINTS_MAX} webhook endpoints, which is the most`);
    return [...before, { name, url, secrets: [{ sealed: sealWebhookSecret(secret, keys) }] }];
  });
  return state.isNew ? { secret } : {};
}

/** Gives an endpoint a new secret; until the overlap has passed the earlier ones sign too. Resolves with the new one. */
export async function rotateWebhookSecret(
  { webhooks }: Webhooks,
  app: string,
  { name, overlapMs, now }: { name: string; overlapMs: number; now: number },
  keys: readonly string[],
): Promise<string> {
  if (!(overlapMs >= 0 && overlapMs <= KEY_LIFE_MS_MAX)) throw new RangeError("overlapMs: must be 0 to ten years");
  const secret = createWebhookSecret();
  const sealed = sealWebhookSecret(secret, keys);
  await webhooks.change(app, (before) => {
    requireEndpoint(before, app, name);
    return before.map((one) => (one.name === name ? withNewSecret(one, sealed, now, overlapMs) : one));
  });
  return secret;
}

/** Removes an endpoint, and what it was still to be told; resolves with how many events that were. */
export async function removeWebhook({ webhooks }: Webhooks, app: string, name: string): Promise<number> {
  await webhooks.change(app, (before) => {
    requireEndpoint(before, app, name);
    return before.filter((one) => one.name !== name);
  });
  return webhooks.forget(app, name);
}

function requireEndpoint(endpoints: readonly WebhookEndpoint[], app: string, name: string): void {
  if (endpoints.some((one) => one.name === name)) return;
  throw new OperatorError(
    ENDPOINT_NAME.test(name)
      ? `app ${app} has no webhook endpoint ${name}; \`carillon app webhook list ${app}\` shows them`
      : `NAME ${ENDPOINT_NAME_RULE}`,
  );
}
