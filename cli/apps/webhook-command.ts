import { webhookKeyVariables } from "../../adapters/webhook-secrets.ts";
import type { WebhookEndpoint } from "../../core/webhooks/endpoint.ts";
import { findApp } from "../../operations/apps/apps.ts";
import { removeWebhook, rotateWebhookSecret, setWebhook } from "../../operations/apps/webhooks.ts";
import { type Environment, readConfig } from "../../runtime/config.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { type Command, duration, fail, text } from "../command.ts";
import { OVERLAP } from "../duration-bounds.ts";
import { withStore } from "../open-store.ts";
import { loggedChange, OPTIONAL_ORDER_USAGE, ORDER_OPTIONS, readOptionalOrder } from "../order.ts";
import { print, printResult } from "../output.ts";
import { table } from "../table.ts";
import { printOnce } from "./print-key.ts";
import { readId } from "./with-apps.ts";

/** Receivers deploy a new secret within a day. */
const OVERLAP_DEFAULT = "24h";

/** Where an app is told of changes of preferences (docs/webhooks.md). */
export const WEBHOOK_COMMANDS: Readonly<Record<string, Command>> = {
  "app webhook set": {
    about:
      "adds a webhook endpoint and prints its secret once, or writes it to --out; of one that exists, sets the URL and enables it (STORE_URL)",
    usage: `ID NAME URL [--out FILE] ${OPTIONAL_ORDER_USAGE}`,
    options: { ...ORDER_OPTIONS, out: { type: "string" } },
    run: ({ positionals: [id, name, url], values, env }) => {
      const app = readId(id);
      if (name === undefined || url === undefined) fail("takes ID, NAME and URL");
      const [keys, order] = [readKeys(env), readOptionalOrder({ values })];
      return withStore(env, async (store) => {
        const of = { ...order, action: "app webhook set", target: `app:${app}, webhook ${name}` };
        const set = () =>
          loggedChange(
            store,
            of,
            () => setWebhook(store, app, { name, url }, keys),
            () => "set",
          );
        const known = (await store.webhooks.find(app)).some((endpoint) => endpoint.name === name);
        if (known) {
          await set();
          return print(`webhook ${name} of app ${app}: set, with the secrets that it has`);
        }
        await printOnce(async () => {
          const { secret } = await set();
          if (secret === undefined) throw new OperatorError(`webhook ${name} of app ${app} was added by another at the same moment`);
          return { secret, what: `secret of webhook ${name} of app ${app}`, more: "does not expire" };
        }, text(values.out));
      });
    },
  },
  "app webhook list": {
    about: "lists an app's webhook endpoints, without their secrets (STORE_URL)",
    usage: "ID [--json]",
    options: { json: { type: "boolean" } },
    run: (invocation) => {
      const id = readId(invocation.positionals[0]);
      return withStore(invocation.env, async ({ apps, webhooks }) => {
        await findApp(apps, id);
        const rows = (await webhooks.find(id)).map((endpoint) => rowOf(endpoint, Date.now()));
        printResult(invocation.values, rows, () => listText(rows));
      });
    },
  },
  "app webhook rotate": {
    about: "gives a webhook endpoint a new secret, printed once; the earlier ones sign too until the overlap has passed (STORE_URL)",
    usage: `ID NAME [--overlap ${OVERLAP_DEFAULT}] [--out FILE] ${OPTIONAL_ORDER_USAGE}`,
    options: { ...ORDER_OPTIONS, overlap: { type: "string", default: OVERLAP_DEFAULT }, out: { type: "string" } },
    run: ({ positionals: [id, name], values, env }) => {
      const app = readId(id);
      if (name === undefined) fail("takes ID and NAME");
      const overlapMs = duration(values.overlap, "--overlap", OVERLAP);
      const [keys, order] = [readKeys(env), readOptionalOrder({ values })];
      const of = { ...order, action: "app webhook rotate", target: `app:${app}, webhook ${name}` };
      return withStore(env, (store) =>
        printOnce(async () => {
          const rotate = () => rotateWebhookSecret(store, app, { name, overlapMs, now: Date.now() }, keys);
          const secret = await loggedChange(store, of, rotate, () => "a new secret");
          return { secret, what: `secret of webhook ${name} of app ${app}`, more: "does not expire" };
        }, text(values.out)),
      );
    },
  },
  "app webhook remove": {
    about: "removes a webhook endpoint, and events that it was not told (STORE_URL)",
    usage: `ID NAME ${OPTIONAL_ORDER_USAGE}`,
    options: ORDER_OPTIONS,
    run: ({ positionals: [id, name], values, env }) => {
      const app = readId(id);
      if (name === undefined) fail("takes ID and NAME");
      const of = { ...readOptionalOrder({ values }), action: "app webhook remove", target: `app:${app}, webhook ${name}` };
      return withStore(env, async (store) => {
        const events = await loggedChange(
          store,
          of,
          () => removeWebhook(store, app, name),
          (count) => `removed, with ${count} events`,
        );
        print(`webhook ${name} of app ${app}: removed, with ${events} events`);
      });
    },
  },
};

function readKeys(env: Environment): readonly string[] {
  const { WEBHOOK_KEYS_FILE: keys } = readConfig(webhookKeyVariables, env);
  if (keys.length === 0)
    throw new OperatorError("WEBHOOK_KEYS_FILE: must be set as for the relay, because it seals the secrets of webhook endpoints");
  return keys;
}

const time = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());

const rowOf = ({ name, url, secrets, failingSince, disabled }: WebhookEndpoint, now: number) => ({
  name,
  url,
  state: disabled ? `disabled: ${disabled.why}` : failingSince === undefined ? "active" : "failing",
  since: time(disabled?.at ?? failingSince),
  secrets: secrets.filter(({ until }) => until === undefined || until > now).length,
});

function listText(rows: readonly ReturnType<typeof rowOf>[]): string {
  if (rows.length === 0) return "no webhook endpoints";
  const cells = rows.map(({ name, url, state, since = "-", secrets }) => [name, state, since, secrets, url]);
  return table(["name", "state", "since", "secrets", "url"], cells);
}
