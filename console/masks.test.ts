import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openStore } from "../adapters/store/open-store.ts";
import type { Store } from "../core/ports/store.ts";
import { sha256Hex } from "../runtime/hash.ts";
import { startTestConsole, type TestConsole } from "../test/support/console.ts";
import {
  APP,
  addKnownPerson,
  COLLEAGUE,
  CONTENT,
  circuits,
  HIDDEN_FROM_VIEWERS,
  KEY,
  type KnownPerson,
  MARK,
  NUMBER_DIGITS,
  PLACES,
  UNKEYED_IDS,
  USER,
} from "../test/support/known-person.ts";
import { ROUTE_ROLES } from "./auth/route-roles.ts";
import type { PersonAnswer, Revealed } from "./person-view.ts";
import { hasRole, ROLES, type Role } from "./session.ts";

interface Asked {
  /** In the place of "*", and bodies of POST. */
  requests: (person: KnownPerson) => readonly { path?: string; body?: object }[];
  /** Stands in one of the answers at least, so that what is masked was there. */
  shows?: string;
  /** It changes something or reveals: only those are asked who may not. */
  isAct?: true;
}

const once =
  (body: object = {}): Asked["requests"] =>
  () => [{ body }];
const about = { app: APP, user: USER };
const ofEach: Asked["requests"] = ({ notifications }) => notifications.map((path) => ({ path }));
const act = (body: object = {}): Asked => ({ requests: once(body), isAct: true });

/** What is asked of each route. A route of the console's one table that has no row here fails the test. */
const ASKED: Readonly<Record<string, Asked>> = {
  "GET /api/session": { requests: once(), shows: "viewer" },
  "GET /api/now": { requests: once(), shows: MARK },
  "GET /api/accounts": { requests: once(), shows: MARK },
  "GET /api/apps": { requests: once(), shows: "crm.example.com" },
  "GET /api/dead": { requests: once(), shows: "bounced" },
  "GET /api/dead/redrives": { requests: once(), shows: MARK },
  "GET /api/notifications/*": { requests: ofEach, shows: MARK },
  "GET /api/mails/*": { requests: ofEach },
  "POST /api/find": {
    requests: () => [{}, { user: USER }, { state: "failed" }, { waiting: "settings" }].map((filter) => ({ body: { app: APP, filter } })),
    shows: MARK,
  },
  // What is typed comes back as it is, as a filter: only what becomes an id can be asked here.
  "POST /api/resolve": {
    requests: ({ notifications: [id] }) => [KEY, id].map((text) => ({ body: { app: APP, text } })),
    shows: "notification",
  },
  "POST /api/person": { requests: once(about), shows: "opted out" },
  ...{ "POST /api/pause": act(), "POST /api/resume": act(), "POST /api/drain": act(), "POST /api/reevaluate": act() },
  ...{ "POST /api/keys/create": act({ app: APP }), "POST /api/keys/rotate": act({ app: APP }), "POST /api/keys/revoke": act({ app: APP }) },
  ...{ "POST /api/dead/redrive": act(), "POST /api/dead/stop": act(), "POST /api/cancel": act(), "POST /api/redrive": act() },
  ...{ "POST /api/person/reveal": act(about), "POST /api/person/opt-out": act(about) },
  ...{ "POST /api/person/undo-opt-out": act(about), "POST /api/person/lift-block": act(about) },
};

/** A text as an answer might hold it, whatever the letters' case. */
function encodingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // Inside of a longer text base64 begins at any of three places, and its last characters depend on what follows.
  const base64 = [0, 1, 2].flatMap((skip) =>
    (["base64", "base64url"] as const).map((encoding) => bytes.subarray(skip).toString(encoding).replace(/=+$/, "").slice(0, -2)),
  );
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString("hex"),
    ...base64,
    sha256Hex(secret).slice(0, 16),
  ];
}

/** What of the secrets an answer holds: as it is, unescaped, and of numbers the digits alone. */
function foundIn(answer: string, secrets: readonly string[]): string[] {
  let plain = answer;
  for (let i = 0; i < 3; i++)
    plain = plain
      .replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString())
      .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
  const texts = [answer, plain].map((text) => text.toLowerCase());
  const isIn = (secret: string) => encodingsOf(secret).some((form) => texts.some((text) => text.includes(form.toLowerCase())));
  const digits = plain.replaceAll(/[\s()./-]/g, "").includes(NUMBER_DIGITS) ? ["the number"] : [];
  return [...secrets.filter(isIn), ...digits];
}

describe("what the console's API shows of a person", () => {
  let store: Store;
  let person: KnownPerson;
  const consoles = new Map<Role, TestConsole>();
  const stack = new AsyncDisposableStack();
  before(async () => {
    store = stack.use(await openStore("sqlite::memory:"));
    person = await addKnownPerson(store);
    // Somebody else than the colleague whose name is hidden.
    for (const role of ROLES) consoles.set(role, stack.use(await startTestConsole(store, { name: "otto", role }, { circuits })));
  });
  after(() => stack.disposeAsync());

  async function ask(role: Role, key: string, { path = "", body = {} }: { path?: string; body?: object }) {
    const [method = "", route = ""] = key.split(" ");
    const { url } = consoles.get(role)!;
    const response = await fetch(url + route.replace("*", path), {
      method,
      ...(method === "POST" && { headers: { origin: url, "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    assert.equal(response.headers.get("cache-control"), "no-store", key);
    return { status: response.status, text: await response.text() };
  }

  test("every route of the console is asked", () => {
    assert.deepEqual(Object.keys(ASKED).sort(), Object.keys(ROUTE_ROLES).sort());
  });

  for (const role of ["viewer", "support"] as const) {
    const secrets = [...PLACES, ...UNKEYED_IDS, ...(role === "viewer" ? HIDDEN_FROM_VIEWERS : [])];
    for (const [key, { requests, shows, isAct }] of Object.entries(ASKED)) {
      const may = hasRole({ name: "", role }, ROUTE_ROLES[key]!);
      if (isAct && may) continue;
      test(`${key} shows ${role === "viewer" ? "a viewer" : "support, before a reveal,"} nothing that is masked`, async () => {
        const texts: string[] = [];
        for (const request of requests(person)) {
          const { status, text } = await ask(role, key, request);
          assert.equal(status, may ? 200 : 403, text);
          assert.deepEqual(foundIn(text, secrets), [], text);
          texts.push(text);
        }
        if (may && shows !== undefined)
          assert.ok(texts.join("").includes(role === "support" && shows === "viewer" ? role : shows), texts.join(""));
      });
    }
  }

  test("support sees the user, the key, the content and colleagues; and after a reveal, which is logged, every endpoint", async () => {
    const texts = await Promise.all(
      person.notifications.map(async (path) => (await ask("support", "GET /api/notifications/*", { path })).text),
    );
    for (const shown of [USER, KEY, CONTENT]) assert.ok(texts.join("").includes(shown), shown);
    assert.ok((await ask("support", "GET /api/now", {})).text.includes(COLLEAGUE));
    const { status, text } = await ask("support", "POST /api/person/reveal", { body: { ...about, reason: "Ticket 46112 asks" } });
    assert.equal(status, 200, text);
    const { endpoints } = JSON.parse(text) as Revealed;
    assert.equal(Object.keys(endpoints).length, 5);
    for (const place of PLACES.slice(1, 5)) assert.ok(foundIn(Object.values(endpoints).join(" "), [place]).includes(place), place);
    const { person: masked } = JSON.parse((await ask("support", "POST /api/person", { body: about })).text) as PersonAnswer;
    assert.deepEqual(masked?.endpoints.map(({ id }) => id).sort(), Object.keys(endpoints).sort());
  });

  test("the test finds what it looks for, however it is written", () => {
    const [address] = PLACES;
    for (const text of [
      address.toUpperCase(),
      encodeURIComponent(address),
      Buffer.from(`x${address}`).toString("base64"),
      sha256Hex(address),
    ])
      assert.deepEqual(foundIn(`"${text}"`, [address]), [address], text);
    assert.deepEqual(foundIn('"+82 (10) 5550-1017"', []), ["the number"]);
    assert.deepEqual(foundIn('"%2B821055501017"', []), ["the number"]);
  });
});
