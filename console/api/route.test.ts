import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "../../adapters/store/store-error.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Session } from "../session.ts";
import { get, post, RequestFault, textOf } from "./route.ts";

const ROWS: readonly [what: string, error: Error, status: number][] = [
  ["a mistake of the caller", new RequestFault("there is none", 404), 404],
  ["an order that cannot be done", new OperatorError("it is paused already"), 400],
  ["a store that is away", new StoreError("the store did not answer"), 503],
];
for (const [what, error, status] of ROWS)
  test(`${what} is answered with ${status} and its words`, async () => {
    const answer = await get("/api/x", () => Promise.reject(error)).handle({} as never, {} as Session);
    assert.equal(answer.status, status);
    assert.match(String(answer.body), new RegExp(error.message));
  });

const posted = async (body: Buffer) => {
  const route = post("/api/x", async (fields) => ({ read: textOf(fields, "reason", 20) }));
  const { status, body: answer } = await route.handle({ body } as never, {} as Session);
  return { status, ...(JSON.parse(String(answer)) as { read?: string; message?: string }) };
};

test("a body is read as it was meant, or not at all", async () => {
  assert.equal((await posted(Buffer.from('{"reason": "an incident"}'))).read, "an incident");
  const broken: readonly [Buffer, RegExp][] = [
    [Buffer.from('{"reason": "a", "reas\\u006fn": "b"}'), /reason is given twice/],
    [Buffer.from('{"filter": {"app": "a", "app": "b"}}'), /filter\.app is given twice/],
    [Buffer.from('{"reason": "\xff"}', "latin1"), /must be JSON in UTF-8/],
    [Buffer.from('{"reason": "\\ud83d"}'), /reason has half of a surrogate pair/],
    [Buffer.from("[".repeat(9)), /more than 8 objects and lists/],
    [Buffer.from("{"), /is not JSON/],
  ];
  for (const [body, words] of broken) {
    const { status, ...answer } = await posted(body);
    assert.equal(status, 400);
    assert.match(JSON.stringify(answer), words);
  }
});

test("an error of ours is not answered, but left to the server, which shows nothing of it", async () => {
  const fault = new TypeError("of ada@example.com");
  await assert.rejects(async () => get("/api/x", () => Promise.reject(fault)).handle({} as never, {} as Session), fault);
});
