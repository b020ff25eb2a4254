import { keyPrefix } from "../../core/apps/api-key.ts";
import { type ApiKeyRecord, type AppRecord, keyState } from "../../core/apps/app.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import type { SteeringRecord } from "../../core/steering/steering.ts";
import { signingSecrets, type WebhookEndpoint } from "../../core/webhooks/endpoint.ts";
import { addKey, type GrantedKey, KEY_LIFE_MS_MAX, revokeKeys, rotateKey } from "../../operations/apps/apps.ts";
import { limitRows } from "../../operations/apps/limit-rows.ts";
import { countOpenOf } from "../../operations/status/open-by-app.ts";
import { logged } from "../../operations/steering/audit-log.ts";
import type { SessionRoute } from "../auth/protect.ts";
import { hasRole, type Session } from "../session.ts";
import type { Apps, AppView, KeyRow, NewKey, WebhookRow } from "../view-apps.ts";
import { shared, type Viewed } from "./kept.ts";
import { appsOf, countOf, type Fields, optionalApp, post, RequestFault, readOrder, textOf } from "./route.ts";
import { orderFor } from "./sight.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const ID_MAX = 100;

export interface AppsParts {
  store: Pick<Store, "apps" | "webhooks" | "steering" | "time" | "notifications">;
  clock: Pick<Clock, "monotonic">;
}

/** What operators do with keys, each under an entry of the log of actions. */
export const createKeyRoutes = ({ store }: Pick<AppsParts, "store">): SessionRoute[] => [
  post("/api/keys/create", (body, session) => grant(store, "key create", body, session, (app, terms) => addKey(store.apps, app, terms))),
  post("/api/keys/rotate", (body, session) => {
    const overlapMs = countOf(body, "overlapHours", KEY_LIFE_MS_MAX / HOUR_MS) * HOUR_MS;
    const keyId = textOf(body, "keyId", ID_MAX) || undefined;
    return grant(store, "key rotate", body, session, (app, terms) => rotateKey(store.apps, app, { ...terms, overlapMs, keyId }));
  }),
  post("/api/keys/revoke", async (body, session) => {
    const [order, app, keyId] = [readOrder(body, session), appIn(body), textOf(body, "keyId", ID_MAX)];
    if (keyId === "") throw new RequestFault("keyId is empty: it names the key, the part between ck_ and the next _");
    await logged(store, { ...order, action: "key revoke", target: `app:${app}` }, async (now) => {
      await revokeKeys(store.apps, app, [keyId], now);
      return { result: undefined, words: `key ${keyId} revoked` };
    });
    return { said: `Key ${keyId} is revoked: within 5 s no gateway takes it.` };
  }),
];

function appIn(body: Fields): string {
  const app = optionalApp(body);
  if (app === undefined) throw new RequestFault("app is empty: it is an app's id");
  return app;
}

/** The log has the key's id, never the key. */
function grant(
  store: AppsParts["store"],
  action: string,
  body: Fields,
  session: Session,
  make: (app: string, terms: { now: number; expiresAt: number | undefined }) => Promise<GrantedKey>,
): Promise<NewKey> {
  const [order, app] = [readOrder(body, session), appIn(body)];
  const days = countOf(body, "days", KEY_LIFE_MS_MAX / DAY_MS);
  return logged(store, { ...order, action, target: `app:${app}` }, async (now) => {
    const { key, record } = await make(app, { now, expiresAt: days === 0 ? undefined : now + days * DAY_MS });
    return { result: { key, keyId: record.id, expiresAt: record.expiresAt }, words: `key ${record.id} made` };
  });
}

/** Reads the store once in FRESH_MS, however many people ask. */
export function createApps({ store, clock }: AppsParts): Viewed<Apps> {
  const { read, renew } = shared(() => readApps(store), clock);
  return { view: async (session) => appsFor(session, await read()), renew };
}

async function readApps(store: AppsParts["store"]) {
  const [{ apps, isCut }, steering, now] = await Promise.all([appsOf(store), store.steering.list(), store.time()]);
  const webhooks = new Map<string, WebhookEndpoint[]>();
  for await (const { app, endpoints } of store.webhooks.list()) webhooks.set(app, endpoints);
  return { apps, isCut, steering, webhooks, open: await countOpenOf(store, apps), now };
}

/** What a person of this role may see of it. */
const appsFor = (session: Session, { apps, isCut, steering, webhooks, open, now }: Awaited<ReturnType<typeof readApps>>): Apps => ({
  apps: apps.map((app, i) => ({
    ...{ id: app.id, channels: app.channels, limits: limitRows(app.limits).map(([name, value]) => ({ name, value })) },
    accounts: Object.entries(app.accounts ?? {}).map(([of, account]) => ({ of, account })),
    keys: keysOf(app, now),
    webhooks: (webhooks.get(app.id) ?? []).map((one) => webhookRow(one, session, now)),
    ...{ open: open[i]?.open ?? 0, isOpenCut: open[i]?.isCut ?? false },
    ...pauseIn(steering, app.id, session, now),
  })),
  ...{ isCut, now },
});

function pauseIn(steering: readonly SteeringRecord[], id: string, session: Session, now: number): Pick<AppView, "pausedBy"> {
  const own = steering.find(
    ({ target, state, until = Number.POSITIVE_INFINITY }) =>
      target.kind === "app" && target.value === id && state === "paused" && until > now,
  );
  return own ? { pausedBy: orderFor(session, { actor: own.actor, reason: own.reason, at: own.at, until: own.until }) } : {};
}

/** The latest first. */
const keysOf = ({ keys }: AppRecord, now: number): KeyRow[] => keys.toReversed().map((key) => keyRow(key, now));

const keyRow = (key: ApiKeyRecord, now: number): KeyRow => ({
  // Keys of versions that did not store when they were made may have no id in their text.
  ...{ prefix: key.createdAt === undefined ? "ck_" : keyPrefix(key.id), id: key.id, state: keyState(key, now) },
  ...{ createdAt: key.createdAt, expiresAt: key.expiresAt, revokedAt: key.revokedAt },
});

/** A receiver's URL may hold a secret of its own. */
function webhookRow(endpoint: WebhookEndpoint, session: Session, now: number): WebhookRow {
  const { name, url, failingSince, disabled } = endpoint;
  return {
    ...{ name, url: hasRole(session, "support") ? url : new URL(url).host, secrets: signingSecrets(endpoint, now).length },
    state: disabled ? "disabled" : failingSince === undefined ? "active" : "failing",
    why: disabled?.why ?? "",
    since: disabled?.at ?? failingSince,
  };
}
