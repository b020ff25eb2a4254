import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { Store } from "../../core/ports/store.ts";
import { NIGHT_CATEGORY } from "../../core/preferences/advertising-rules.ts";
import type { Category } from "../../core/preferences/category.ts";
import { endpointSubject, userSubject } from "../../core/preferences/opt-out.ts";
import { createFakeClock, type FakeClock } from "../../test/support/fake-clock.ts";
import { sampleApp } from "../../test/support/store/samples.ts";
import { endpointId } from "../ids.ts";
import { openStore } from "../store/open-store.ts";
import { createServedApps } from "../store/served-apps.ts";
import { StoreError } from "../store/store-error.ts";
import { openSendingTimes, type SendingTimes } from "./sending-times.ts";

type Asked = Parameters<SendingTimes>[0];

const seoul = (time: string) => Date.parse(`2026-06-01T${time}+09:00`);
const NIGHT = { fromMinute: 22 * 60, untilMinute: 7 * 60 };
const toBerlin = { channel: "sms", phoneNumber: "+4915112345678" } as const;
const toKorea = { channel: "sms", phoneNumber: "+821012345678" } as const;

const asked = (over: Partial<Asked> = {}): Asked => ({
  ...{ app: "shop", userId: "ada", notificationClass: "transactional", category: "orders" },
  ...{ channel: "sms", endpoint: toBerlin, endpointId: undefined },
  ...over,
});

let store: Store;
let reads: string[];

beforeEach(async (t) => {
  store = await openStore("sqlite::memory:");
  if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
  reads = [];
});

/** With Ada in Seoul, whose night lasts from 22:00 to 07:00. */
async function setUp(
  at: number,
  { categories = [] as Category[], isDown = () => false as boolean } = {},
): Promise<{ times: SendingTimes; clock: FakeClock }> {
  const clock = createFakeClock(at);
  await store.apps.change("shop", () => sampleApp({ categories }));
  await store.profiles.put("shop", "ada", { timeZone: "Asia/Seoul", quietHours: NIGHT }, at);
  const counted = <A extends readonly unknown[], R>(name: string, call: (...of: A) => Promise<R>) => {
    return async (...of: A) => {
      reads.push(name);
      if (isDown()) throw new StoreError("down");
      return call(...of);
    };
  };
  const profiles = { ...store.profiles, find: counted("profiles", store.profiles.find) };
  const preferences = { ...store.preferences, find: counted("preferences", store.preferences.find) };
  const appOf = createServedApps({ find: counted("apps", store.apps.find) }, clock);
  return { times: openSendingTimes({ store: { profiles, preferences }, appOf, clock }), clock };
}
const closedUntil = (time: string) => ({ kind: "closed", until: seoul(time) + 86_400_000 });
const OPEN = { kind: "open" };

test("in a user's quiet hours, what is not critical waits for their end", async () => {
  const { times, clock } = await setUp(seoul("21:59:59"));
  assert.deepEqual(await times(asked()), OPEN);
  clock.advance(1_000);
  for (const notificationClass of ["transactional", "marketing"] as const)
    assert.deepEqual(await times(asked({ notificationClass })), closedUntil("07:00"));
  assert.deepEqual(await times(asked({ notificationClass: "critical" })), OPEN);
  clock.advance(9 * 3_600_000);
  assert.deepEqual(await times(asked()), OPEN);
});

test("a category may say that it is sent in quiet hours, but not when it is marketing", async () => {
  const { times } = await setUp(seoul("23:00"), { categories: [{ name: "alerts", labels: {}, default: "opted-in", quietHours: "send" }] });
  assert.deepEqual(await times(asked({ category: "alerts" })), OPEN);
  assert.deepEqual(await times(asked({ category: "alerts", notificationClass: "marketing" })), closedUntil("07:00"));
});

test("whoever has no profile, no time zone or no quiet hours has none, and neither has an address that was given outright", async () => {
  const { times } = await setUp(seoul("23:00"));
  await store.profiles.put("shop", "bob", { quietHours: NIGHT }, 0);
  await store.profiles.put("shop", "cleo", { timeZone: "Asia/Seoul" }, 0);
  for (const userId of ["bob", "cleo", "nobody", undefined]) assert.deepEqual(await times(asked({ userId })), OPEN);
});

test("a turn of the event loop is one read of profiles, repeated after 2 s; what is critical reads nothing", async () => {
  const { times, clock } = await setUp(seoul("12:00"));
  const many = () => Promise.all(Array.from({ length: 100 }, (_, i) => times(asked({ userId: `user-${i}` }))));
  await Promise.all([many(), many(), times(asked({ notificationClass: "critical" }))]);
  await many();
  assert.deepEqual(reads, ["apps", "profiles"]);
  clock.advance(2_001);
  await many();
  assert.deepEqual(reads, ["apps", "profiles", "profiles"]);
});

test("a changed profile holds for what asks 2 s later", async () => {
  const { times, clock } = await setUp(seoul("23:00"));
  assert.deepEqual(await times(asked()), closedUntil("07:00"));
  await store.profiles.put("shop", "ada", { timeZone: "Asia/Seoul", quietHours: { ...NIGHT, untilMinute: 9 * 60 } }, 0);
  clock.advance(2_001);
  assert.deepEqual(await times(asked()), closedUntil("09:00"));
  await store.profiles.remove("shop", "ada");
  clock.advance(2_001);
  assert.deepEqual(await times(asked()), OPEN);
});

test("while the store cannot be read, only what is critical may be sent", async () => {
  const { times } = await setUp(seoul("12:00"), { isDown: () => true });
  assert.deepEqual(await times(asked()), { kind: "unreadable" });
  assert.deepEqual(await times(asked({ notificationClass: "critical" })), OPEN);
});

test("hours that leave no moment free never end", async () => {
  const { times } = await setUp(seoul("12:00"));
  await store.profiles.put("shop", "ada", { timeZone: "Asia/Seoul", quietHours: { fromMinute: 8 * 60, untilMinute: 21 * 60 } }, 0);
  assert.deepEqual(await times(asked({ notificationClass: "marketing", endpoint: toKorea })), {
    kind: "closed",
    until: Number.POSITIVE_INFINITY,
  });
});

test("advertising keeps Korea's night also where a user's quiet hours are shorter, or there is no user", async () => {
  const { times } = await setUp(seoul("21:30"));
  for (const userId of ["ada", "nobody", undefined])
    assert.deepEqual(await times(asked({ userId, notificationClass: "marketing", endpoint: toKorea })), closedUntil("08:00"));
  assert.deepEqual(await times(asked({ endpoint: toKorea })), OPEN, "transactional");
  assert.deepEqual(await times(asked({ userId: "nobody", notificationClass: "marketing" })), OPEN, "another country");
});

for (const subject of [userSubject("bob"), endpointSubject(endpointId(toKorea))])
  test(`who consented to advertising at night is sent it: ${subject.slice(0, subject.indexOf(":"))}`, async () => {
    const { times, clock } = await setUp(seoul("21:30"));
    const ask = () => times(asked({ userId: "bob", notificationClass: "marketing", endpoint: toKorea }));
    assert.deepEqual(await ask(), closedUntil("08:00"));
    const night = { channel: "sms", category: NIGHT_CATEGORY } as const;
    await store.preferences.update("shop", subject, { consent: [night], origin: {} }, 0);
    clock.advance(2_001);
    assert.deepEqual(await ask(), OPEN);
    await store.preferences.update("shop", subject, { optOut: [night], origin: {} }, 0);
    clock.advance(2_001);
    assert.deepEqual(await ask(), closedUntil("08:00"));
  });

test("consents are read only at night, and only for what the law is about", async () => {
  const { times, clock } = await setUp(seoul("20:00"));
  const ask = () => times(asked({ notificationClass: "marketing", endpoint: toKorea }));
  await ask();
  assert.ok(!reads.includes("preferences"));
  clock.advance(3_600_000);
  await ask();
  assert.ok(reads.includes("preferences"));
});
