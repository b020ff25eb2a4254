import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createSessions, SESSION_IDLE_MS_MAX, SESSION_MS_MAX } from "./sessions.ts";

const KEYS = ["a key of the console, of many characters"];
const world = (isSecure = false) => {
  const clock = createFakeClock();
  return { clock, sessions: createSessions({ clock, keys: () => KEYS, isSecure }) };
};
const cookieOf = (line: string) => line.split(";")[0]!;
const ADA = { name: "ada", role: "support" } as const;

test("a session ends when nobody uses it for half an hour", () => {
  const { clock, sessions } = world();
  const cookie = cookieOf(sessions.begin(ADA));
  clock.advance(SESSION_IDLE_MS_MAX - 1);
  assert.equal(sessions.open(cookie)?.role, "support");
  clock.advance(1);
  assert.equal(sessions.open(cookie), undefined);
});

test("a session in use is renewed, and ends after eight hours all the same", () => {
  const { clock, sessions } = world();
  let cookie = cookieOf(sessions.begin(ADA));
  assert.equal(sessions.open(cookie)?.renewal, undefined, "a cookie that is new is not written again");
  let used = 0;
  for (; used < SESSION_MS_MAX - 60_000; used += 60_000) {
    clock.advance(60_000);
    cookie = cookieOf(sessions.open(cookie)?.renewal ?? "");
  }
  clock.advance(60_000);
  assert.equal(sessions.open(cookie), undefined);
});

test("a cookie that was changed anywhere, cut, or given twice is no session", () => {
  const { sessions } = world();
  const cookie = cookieOf(sessions.begin(ADA));
  const start = cookie.indexOf("=") + 1;
  for (let at = start; at < cookie.length; at++) {
    const changed = cookie.slice(0, at) + (cookie[at] === "A" ? "B" : "A") + cookie.slice(at + 1);
    assert.equal(sessions.open(changed), undefined, `changed at ${at}`);
    assert.equal(sessions.open(cookie.slice(0, at)), undefined, `cut at ${at}`);
  }
  assert.equal(sessions.open(`${cookie}; ${cookie}`), undefined);
  assert.equal(sessions.open(undefined), undefined);
  assert.equal(sessions.open(`a=b; ${cookie}; c=d`)?.name, "ada");
});

test("over https the cookie has the prefix that binds it to its host", () => {
  const line = world(true).sessions.begin(ADA);
  assert.match(line, /^__Host-carillon-console=v1\.[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=1800; Secure$/);
  const plain = cookieOf(world(false).sessions.begin(ADA));
  assert.equal(world(true).sessions.open(plain), undefined);
});
