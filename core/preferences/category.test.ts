import assert from "node:assert/strict";
import { test } from "node:test";
import { CATEGORIES_LENGTH_MAX, CATEGORIES_MAX, type Category, categoryFaults, withCategory } from "./category.ts";
import { type Profile, profileFaults } from "./profile.ts";

const category = (over: Partial<Category> = {}): Category => ({ name: "news", labels: {}, default: "opted-in", ...over });
const fieldsOf = (faults: readonly { field: string }[]) => faults.map(({ field }) => field);

test("a category replaces the one of its name, and all are in their order, then by name", () => {
  const all = ["b", "a", "c"].reduce<Category[]>((before, name) => withCategory(before, category({ name }))!, []);
  assert.deepEqual(
    all.map(({ name }) => name),
    ["a", "b", "c"],
  );
  const moved = withCategory(all, category({ name: "c", order: -1, default: "required" }))!;
  assert.deepEqual(
    moved.map((c) => `${c.name} ${c.default}`),
    ["c required", "a opted-in", "b opted-in"],
  );
});

test("an app has at most a hundred categories, and so many characters of them", () => {
  const full = Array.from({ length: CATEGORIES_MAX }, (_, i) => category({ name: `c${i}` }));
  assert.equal(withCategory(full, category()), undefined);
  assert.equal(withCategory(full, category({ name: "c7", hidden: true }))?.length, CATEGORIES_MAX);
  const long = category({
    tenantDefaults: Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`${i}`.padEnd(64, "x"), "opted-in"])),
  });
  const many = Array.from({ length: 5 }, (_, i) => ({ ...long, name: `c${i}` }));
  assert.ok(JSON.stringify(many).length > CATEGORIES_LENGTH_MAX);
  assert.equal(withCategory(many, category()), undefined);
});

test("faults of a category name the field", () => {
  const title = "News";
  for (const [given, fields] of [
    [{}, []],
    [{ labels: { en: { title }, "pt-BR": { title, description: "Once a week" } } }, []],
    [{ labels: { EN: { title } } }, ['labels["EN"]']],
    [{ labels: { a1: { title } } }, ['labels["a1"]']],
    [{ labels: { en: { title: " \u200b" } } }, ['labels["en"].title']],
    [{ labels: { en: { title, description: "a\nb" } } }, ['labels["en"].description']],
    [{ notificationClass: "transactional", quietHours: "send", default: "required" }, []],
    [{ notificationClass: "marketing", quietHours: "wait" }, []],
    [{ notificationClass: "marketing", quietHours: "send" }, ["quiet_hours"]],
    [{ notificationClass: "marketing", default: "required" }, ["default"]],
    [{ notificationClass: "marketing", tenantDefaults: { a: "required", b: "opted-out" } }, ['tenant_defaults["a"]']],
  ] as const satisfies readonly (readonly [Partial<Category>, readonly string[]])[])
    assert.deepEqual(fieldsOf(categoryFaults(category(given))), fields, JSON.stringify(given));
});

test("faults of a profile name the field", () => {
  for (const [given, fields] of [
    [{}, []],
    [{ locale: "ko", timeZone: "Asia/Seoul", quietHours: { fromMinute: 1_320, untilMinute: 480 }, tenant: "acme" }, []],
    [{ locale: "pt-br", timeZone: "America/Argentina/Buenos_Aires" }, []],
    [{ timeZone: "UTC" }, []],
    [{ locale: "en-a" }, ["locale"]],
    [{ timeZone: "Asia/Atlantis" }, ["time_zone"]],
    [{ timeZone: "+09" }, ["time_zone"]],
    [{ timeZone: "-0900" }, ["time_zone"]],
    [{ timeZone: "UTC", quietHours: { fromMinute: 60, untilMinute: 60 } }, ["quiet_hours"]],
    [{ quietHours: { fromMinute: 1_320, untilMinute: 480 } }, ["time_zone"]],
  ] as const satisfies readonly (readonly [Profile, readonly string[]])[])
    assert.deepEqual(fieldsOf(profileFaults(given)), fields, JSON.stringify(given));
});
