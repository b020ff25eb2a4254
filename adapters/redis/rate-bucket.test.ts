import assert from "node:assert/strict";
import { test } from "node:test";
import { CLASSES } from "../../core/delivery/channel.ts";
import { type Bucket, bucketShape, takeTokens } from "./rate-bucket.ts";

const all = (n: number) => ({ critical: n, transactional: n, marketing: n });
const none = all(0);

test("constant demand is granted the rate, and in any second at most 1.3 times it", () => {
  for (const rate of [1, 7, 30, 100, 2_500]) {
    const shape = bucketShape(rate);
    const counts: number[] = [];
    let bucket: Bucket | undefined;
    for (let now = 0; now < 20_000; now += 25) {
      const taken = takeTokens(bucket, shape, { ...none, critical: 10_000 }, now);
      bucket = taken.bucket;
      counts.push(taken.granted.critical);
    }
    const sum = (some: readonly number[]) => some.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum(counts) / 20 - rate) <= rate * 0.02 + 0.2, `${rate}/s: ${sum(counts) / 20}/s`);
    const most = Math.max(...counts.map((_, from) => sum(counts.slice(from, from + 40))));
    assert.ok(most <= Math.max(1.3 * rate, 1.2 * rate + 1) + 1, `${rate}/s: ${most} in one second`);
  }
});

test("a request after waitMs gets a token, and none before", () => {
  for (const rate of [0.01, 1, 3, 100]) {
    const shape = bucketShape(rate);
    for (const c of CLASSES) {
      const empty = takeTokens({ tokens: 0, at: 0 }, shape, { ...none, [c]: 1 }, 0);
      assert.equal(empty.granted[c], 0);
      assert.equal(takeTokens(empty.bucket, shape, { ...none, [c]: 1 }, empty.waitMs).granted[c], 1, `${c} at ${rate}/s`);
      const early = empty.waitMs - 1 - 1 / shape.tokensPerMs / 100;
      assert.equal(takeTokens(empty.bucket, shape, { ...none, [c]: 1 }, early).granted[c], 0);
    }
  }
});

test("a full bucket has a token for every class, whatever the rate", () => {
  for (let thousandths = 10; thousandths <= 20_000; thousandths++) {
    const shape = bucketShape(thousandths / 1_000);
    for (const c of CLASSES) {
      const { granted } = takeTokens(undefined, shape, { ...none, [c]: 1 }, 0);
      assert.equal(granted[c], 1, `${c} at ${thousandths / 1_000}/s`);
    }
  }
});

test("a class cannot starve the one above it: the tokens it must leave are available at once, and then its own come later", () => {
  const shape = bucketShape(100);
  let bucket: Bucket | undefined;
  const ask = (wanted: typeof none, now: number) => {
    const taken = takeTokens(bucket, shape, wanted, now);
    bucket = taken.bucket;
    return taken.granted;
  };
  for (let now = 0; now < 2_000; now += 25) ask({ ...none, marketing: 1_000 }, now);
  assert.deepEqual(ask({ critical: 5, transactional: 1_000, marketing: 1_000 }, 2_000), { critical: 5, transactional: 8, marketing: 0 });
  let served = none;
  for (let now = 2_025; now < 5_000; now += 25) {
    const granted = ask({ critical: 1_000, transactional: 1_000, marketing: 1_000 }, now);
    served = {
      critical: served.critical + granted.critical,
      transactional: served.transactional + granted.transactional,
      marketing: served.marketing + granted.marketing,
    };
  }
  assert.ok(served.critical >= 297);
  assert.deepEqual([served.transactional, served.marketing], [0, 0]);
});

test("a new bucket is full, and a clock that goes back neither adds nor removes tokens", () => {
  const shape = bucketShape(10);
  const full = takeTokens(undefined, shape, none, 5_000).bucket;
  assert.equal(full.tokens, shape.capacity);
  const emptied = takeTokens(full, shape, { ...none, critical: 3 }, 5_000).bucket;
  assert.equal(takeTokens(emptied, shape, none, 1_000).bucket.tokens, emptied.tokens);
  assert.equal(takeTokens(emptied, shape, none, 5_000 + shape.fullAfterMs).bucket.tokens, shape.capacity);
});
