// How much of Redis the opt-out sets take. Pure arithmetic; bench/opt-out-memory.ts measures the same and prints both.
import { OPT_OUT_BUCKETS } from "../../adapters/opt-outs/opt-out-keys.ts";

/** Redis' default of set-max-intset-entries: a set with more members is a hash table. */
export const INTSET_ENTRIES_DEFAULT = 512;
/** What operators are told to set beyond a few million opt-outs. An insert into so long an intset moves 16 KiB on average: a microsecond. */
export const INTSET_ENTRIES_ADVISED = 4_096;

/** A set, empty: its key, the objects of key and value, and its place in Redis' own table. Measured with Valkey 9. */
export const SET_BYTES = 83;
const INTSET_HEADER_BYTES = 8;
/** A hash has 64 bits, and nearly none fits 32. */
const INTSET_MEMBER_BYTES = 8;
/** A member of a hash table: its text of 19 or 20 digits, and its place in the table. Measured with Valkey 9; Redis 7 takes more. */
export const TABLE_MEMBER_BYTES = 33;
/** Each complete set has one member that says so. */
const SENTINELS = 1;

export interface OptOutMemory {
  /** In all sets, without the sentinels. */
  members: number;
  sets: number;
  membersPerSet: number;
  /** Expected number of sets that are hash tables. */
  tables: number;
  bytes: number;
  bytesPerMember: number;
}

export interface RedisSettings {
  /** set-max-intset-entries */
  intsetEntries?: number;
  /** As INFO names it in mem_allocator, without the version. Redis and Valkey are built with jemalloc; a few packages are not. */
  allocator?: "jemalloc" | "libc";
}

/** @param members refusals and consents, each of a channel and category, and blocked endpoints */
export function optOutMemory(members: number, settings: RedisSettings = {}, sets = OPT_OUT_BUCKETS): OptOutMemory {
  const { intsetEntries = INTSET_ENTRIES_DEFAULT, allocator = "jemalloc" } = settings;
  const membersPerSet = members / sets;
  let [tables, bytes] = [0, 0];
  for (const { size, share } of sizes(membersPerSet)) {
    const entries = size + SENTINELS;
    const isTable = entries > intsetEntries;
    if (isTable) tables += share * sets;
    const content = isTable ? entries * TABLE_MEMBER_BYTES : RESERVED[allocator](INTSET_HEADER_BYTES + entries * INTSET_MEMBER_BYTES);
    bytes += share * sets * (SET_BYTES + content);
  }
  return { members, sets, membersPerSet, tables, bytes, bytesPerMember: members === 0 ? 0 : bytes / members };
}

/** How many members there are when the first set turns into a hash table: their number is spread by chance. */
export function membersOfFirstTable(intsetEntries: number, sets = OPT_OUT_BUCKETS): number {
  let [low, high] = [0, intsetEntries * sets];
  while (high - low > sets) {
    const middle = (low + high) / 2;
    if (optOutMemory(middle, { intsetEntries }, sets).tables >= 1) high = middle;
    else low = middle;
  }
  return high;
}

/** Standard deviations of the normal distribution: less than one set in ten thousand million lies further away. */
const DEVIATIONS = 6.5;

/** How many members a set has, as hashes spread them: Poisson, by its logarithm so that no term overflows. */
function* sizes(mean: number): Generator<{ size: number; share: number }> {
  if (mean === 0) return yield { size: 0, share: 1 };
  const spread = DEVIATIONS * Math.sqrt(mean) + DEVIATIONS;
  const first = Math.max(0, Math.floor(mean - spread));
  let logarithm = -mean;
  for (let n = 1; n <= first; n++) logarithm += Math.log(mean / n);
  for (let size = first; size <= mean + spread; size++) {
    yield { size, share: Math.exp(logarithm) };
    logarithm += Math.log(mean / (size + 1));
  }
}

/** What an allocator reserves for so many bytes, at least 16. */
export const RESERVED = {
  /** In steps of 16 up to 128 bytes, then of a quarter of the power of two below. */
  jemalloc(bytes: number): number {
    const step = bytes <= 128 ? 16 : 2 ** (Math.ceil(Math.log2(bytes)) - 3);
    return Math.ceil(bytes / step) * step;
  },
  /** glibc: in steps of 16, of which its own length takes 8. */
  libc: (bytes: number): number => Math.ceil((bytes + 8) / 16) * 16 - 8,
} as const;
