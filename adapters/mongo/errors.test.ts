import assert from "node:assert/strict";
import { it } from "node:test";
import { type BulkWriteResult, MongoBulkWriteError, MongoNetworkError, MongoServerError } from "mongodb";
import { StoreError } from "../store/store-error.ts";
import { asStoreError, toStoreError, withAdvice } from "./errors.ts";

const message = (error: unknown) => {
  const converted = toStoreError("insert", error);
  assert.ok(converted instanceof StoreError);
  return converted.message;
};

it("a driver's error is reported by class, code and name, and a bulk write's with its reason; never by its text", () => {
  const line = new MongoNetworkError("connection 3 to 10.0.0.1:27017 closed");
  assert.equal(message(line), "MongoDB, insert: MongoNetworkError");
  assert.equal(
    message(new MongoBulkWriteError(line as never, {} as BulkWriteResult)),
    "MongoDB, insert: MongoBulkWriteError MongoNetworkError",
  );
  const duplicate = new MongoServerError({ message: "dup key: { _id: 'anna@example.com' }", code: 11000, codeName: "DuplicateKey" });
  assert.equal(message(duplicate), "MongoDB, insert: MongoServerError 11000 DuplicateKey");
});

it("a call that the driver never ends is ended here, and says so", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const call = asStoreError("insert", () => new Promise(() => undefined));
  t.mock.timers.tick(60_000);
  await assert.rejects(call, new StoreError("MongoDB, insert: no answer within 60000 ms"));
});

it("what is not the driver's stays what it is", () => {
  const ours = new RangeError("a defect");
  assert.equal(toStoreError("insert", ours), ours);
});

it("a missing permission at start says what to grant, and nothing else is changed", () => {
  const where = { hosts: "db:27017", database: "carillon" };
  const denied = withAdvice(
    toStoreError("create index due of notifications", new MongoServerError({ code: 13, codeName: "Unauthorized" })),
    where,
  );
  assert.ok(denied instanceof StoreError);
  assert.match(
    denied.message,
    /may not .* database carillon of MongoDB at db:27017; grant it the role readWrite on carillon .*create index due/,
  );
  for (const other of [new StoreError("away"), new StoreError("busy", "91"), new Error("a bug")])
    assert.equal(withAdvice(other, where), other);
});
