import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError } from "../../adapters/store/store-error.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import type { Session } from "../session.ts";
import { get, RequestFault } from "./route.ts";

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

test("an error of ours is not answered, but left to the server, which shows nothing of it", async () => {
  const fault = new TypeError("of ada@example.com");
  await assert.rejects(async () => get("/api/x", () => Promise.reject(fault)).handle({} as never, {} as Session), fault);
});
