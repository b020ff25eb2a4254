/** More than the caches of a core hold: memory is where other machines on the same host are noticed first. */
const TABLE_BYTES = 64 * 1024 * 1024;
const READS = 1_000_000;
const DOCUMENTS = 10_000;
const ROUNDS = 7;
/** Until code is compiled. */
const WARM_UP_ROUNDS = 3;

const DOCUMENT = {
  id: "0".repeat(32),
  recipient: { userId: "u-4711" },
  content: { push: { title: "Your order", body: "It is on its way and arrives today.", data: { order: "1017" } } },
  deliveries: Array.from({ length: 3 }, (_, i) => ({ id: `d-${i}`, state: "pending", attempt: 1, nextAt: 1_760_000_000_000 + i })),
};

/**
 * CPU time of a fixed piece of work, in ms: JSON of small documents, and random reads from memory. Where it takes longer, the machine is slower, so figures of
 * different days can be compared. The fastest of ROUNDS.
 */
export function fixedWorkMs(): number {
  const table = new Uint32Array(TABLE_BYTES / Uint32Array.BYTES_PER_ELEMENT);
  for (let i = 0; i < table.length; i++) table[i] = Math.imul(i, 2_654_435_761) >>> 0;
  const times: number[] = [];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    const from = process.cpuUsage();
    work(table);
    const { user, system } = process.cpuUsage(from);
    if (round >= 0) times.push((user + system) / 1_000);
  }
  return Math.min(...times);
}

/** Each step needs the result of the one before, so that none can be left out or made early. */
function work(table: Uint32Array): number {
  let place = 0;
  for (let i = 0; i < READS; i++) place = (table[place % table.length]! + i) >>> 0;
  for (let i = 0; i < DOCUMENTS; i++) place += (JSON.parse(JSON.stringify({ ...DOCUMENT, place })) as { place: number }).place & 1;
  return place;
}
