import assert from "node:assert/strict";
import { test } from "node:test";
import {
  INTSET_ENTRIES_ADVISED,
  INTSET_ENTRIES_DEFAULT,
  membersOfFirstTable,
  optOutMemory,
  RESERVED,
  SET_BYTES,
  TABLE_MEMBER_BYTES,
} from "./opt-out-memory.ts";

test("without opt-outs each set has its sentinel", () => {
  const { bytes, bytesPerMember, tables } = optOutMemory(0);
  assert.deepEqual([bytes, bytesPerMember, tables], [16_384 * (SET_BYTES + 16), 0, 0]);
});

test("a million and ten million take about 10 bytes each", () => {
  for (const members of [1e6, 1e7]) {
    const { bytesPerMember, tables } = optOutMemory(members, { intsetEntries: INTSET_ENTRIES_ADVISED });
    assert.ok(bytesPerMember > 8 && bytesPerMember < 11, `${bytesPerMember} B`);
    assert.ok(tables < 1e-6);
  }
});

test("with Redis' default, ten million are in hash tables", () => {
  const { bytesPerMember, tables, membersPerSet } = optOutMemory(1e7);
  assert.equal(Math.round(membersPerSet), 610);
  assert.ok(tables > 16_383 && bytesPerMember > TABLE_MEMBER_BYTES);
});

test("the first hash table comes before the sets are full on average, because chance spreads the members", () => {
  const members = membersOfFirstTable(INTSET_ENTRIES_DEFAULT);
  assert.ok(members > 6e6 && members < 512 * 16_384);
  assert.ok(optOutMemory(members * 0.95).tables < 1 && optOutMemory(members * 1.05).tables > 1);
  // The sentinel takes a place: of one set, the 512th member turns it.
  assert.ok(membersOfFirstTable(512, 1) <= 512);
});

test("all sets are counted, whatever their sizes", () => {
  // Each term of the sum has the same weight as chance gives it: as hash tables of one entry their sizes add up exactly.
  const { bytes, tables } = optOutMemory(123_456, { intsetEntries: 0 });
  assert.ok(Math.abs(tables - 16_384) < 1e-3);
  assert.ok(Math.abs(bytes - (16_384 * (SET_BYTES + TABLE_MEMBER_BYTES) + 123_456 * TABLE_MEMBER_BYTES)) < 1);
});

test("memory is reserved in the allocator's steps", () => {
  const STEPS = [
    [16, 16],
    [64, 64],
    [65, 80],
    [128, 128],
    [129, 160],
    [504, 512],
    [513, 640],
    [4_904, 5_120],
  ] as const;
  for (const [bytes, reserved] of STEPS) assert.equal(RESERVED.jemalloc(bytes), reserved, `${bytes} B`);
  assert.deepEqual([16, 24, 25, 504].map(RESERVED.libc), [24, 24, 40, 504]);
});
