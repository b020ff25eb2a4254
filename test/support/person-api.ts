// The routes of a person, over a SQLite store with one app and one user of it, for the tests of a file; each test gets a store of its own.
import assert from "node:assert/strict";
import { after, beforeEach } from "node:test";
import { endpointId } from "../../adapters/ids.ts";
import { createPreferences } from "../../adapters/opt-outs/preferences.ts";
import { openStore } from "../../adapters/store/open-store.ts";
import { createPersonRoutes } from "../../console/api/person.ts";
import { createReferences } from "../../console/auth/references.ts";
import { ROUTE_ROLES } from "../../console/auth/route-roles.ts";
import type { PersonAnswer, PersonView } from "../../console/person-view.ts";
import { hasRole, type Role } from "../../console/session.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import type { Store } from "../../core/ports/store.ts";
import type { Category } from "../../core/preferences/category.ts";
import { createApp } from "../../operations/apps/apps.ts";
import { putCategories } from "../../operations/preferences/categories.ts";
import { createLogger } from "../../runtime/logger.ts";
import { createFakeClock } from "./fake-clock.ts";

export const APP = "app";
/** An address, as some apps name their users. */
export const USER = "hana.kim@example.org";
export const NUMBER = "+821055501017";
export const ADDRESS = "hana@example.com";
export const SMS: Endpoint = { channel: "sms", phoneNumber: NUMBER };
export const MAIL: Endpoint = { channel: "email", address: ADDRESS };
const category = (name: string, about: Partial<Category> = {}): Category => ({ name, labels: {}, default: "opted-in", ...about });

export const references = createReferences({ own: () => ["a key of the console's tests"], sessions: () => [] });
export let store: Store;
export let lines: string[];
export const log = createLogger("console", "info", { write: (line) => void lines.push(line) });
beforeEach(async () => {
  lines = [];
  await store?.[Symbol.asyncDispose]();
  store = await openStore("sqlite::memory:");
  await createApp(store.apps, APP, ["sms", "email", "webpush"], { now: 1 });
  await putCategories(store.apps, APP, [
    category("security", { default: "required" }),
    category("orders"),
    category("newsletter", { default: "opted-out", notificationClass: "marketing" }),
    category("inner", { hidden: true }),
  ]);
  for (const endpoint of [SMS, MAIL])
    await store.contacts.register({
      app: APP,
      userId: USER,
      endpointId: endpointId(endpoint),
      endpoint,
      registeredAt: 1,
      deviceLabel: "Hana's",
    });
});
after(() => store[Symbol.asyncDispose]());

export async function post(path: string, body: object, role: Role = "operator"): Promise<{ status: number; body: string }> {
  const { apps, profiles } = store;
  await using preferences = createPreferences({
    store: store.preferences,
    apps,
    profiles,
    redis: undefined,
    clock: createFakeClock(),
    log,
  });
  const route = createPersonRoutes({ store, preferences, log, references }).find((one) => one.path === path);
  const least = ROUTE_ROLES[`POST ${path}`];
  assert.ok(route && least, path);
  // As protectRoutes() does it.
  if (!hasRole({ name: "", role }, least)) return { status: 403, body: "" };
  const request = { method: "POST", path, query: new URLSearchParams(), headers: {}, remoteAddress: "127.0.0.1" };
  const text = Buffer.from(JSON.stringify({ app: APP, user: USER, ...body }));
  const answer = await route.handle({ ...request, body: text, signal: new AbortController().signal } as never, {
    name: "mira@example.net",
    role,
  });
  return { status: answer.status, body: String(answer.body) };
}

export async function person(role: Role = "operator"): Promise<PersonView> {
  const { status, body } = await post("/api/person", {}, role);
  assert.equal(status, 200, body);
  const found = (JSON.parse(body) as PersonAnswer).person;
  assert.ok(found);
  return found;
}

/** The word and why of a cell. */
export function cell({ channels, matrix }: PersonView, name: string, channel: string): [word: string, why: string] {
  const { state, why } = matrix.find((row) => row.category === name)!.cells[channels.findIndex((one) => one.channel === channel)]!;
  return [state.word, why];
}

export const optOut = (about: object, role: Role = "support") =>
  post("/api/person/opt-out", { channel: "*", category: "*", how: "phone", evidence: "Call 19:01, ticket 46112", ...about }, role);
