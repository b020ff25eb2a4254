import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../adapters/store/open-store.ts";
import type { Delivery } from "../../core/delivery/notification.ts";
import type { AttemptRecord } from "../../core/ports/attempt-store.ts";
import type { Store } from "../../core/ports/store.ts";
import { systemClock } from "../../runtime/clock.ts";
import { seededRandom } from "../../test/simulation/random.ts";
import { claimOf, createBusyWriter, OUTCOMES, T0 } from "../../test/support/busy-writer.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import type { Audit } from "./audit.ts";
import { type AuditProgress, readAudit } from "./read-audit.ts";

const at = (store: Pick<Store, "notifications" | "attempts">) => ({ store, clock: systemClock });
const AT_ONCE = { readAgainAfterMs: [0, 0, 0] };
const broken = (audit: Audit) =>
  Object.fromEntries(audit.checks.filter((c) => !c.holds).map((c) => [c.promise, [...c.examples].sort()] as const));

async function startBusyStore(seed: number) {
  const store = await openStore("sqlite::memory:");
  const witness = { taken: new Map<string, number>(), accepted: new Set<string>() };
  const work = createBusyWriter(store, seededRandom(seed), witness);
  await work(1_500);
  return {
    store,
    work,
    known: { taken: witness.taken, accepted: witness.accepted },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** The store, with things happening before each reading, and in the midst of one that a cursor reads in parts. */
function readWhile({ notifications, attempts }: Store, work: (steps: number) => Promise<void>): Pick<Store, "notifications" | "attempts"> {
  return {
    notifications: {
      ...notifications,
      async page(after, limit) {
        await work(20);
        return notifications.page(after, limit);
      },
      async find(id) {
        await work(1);
        return notifications.find(id);
      },
    },
    attempts: {
      ...attempts,
      async between(first, last) {
        await work(first === last ? 1 : 20);
        const before = await attempts.between(first, last);
        const half = before.slice(0, Math.floor(before.length / 2));
        await work(first === last ? 1 : 20);
        const after = await attempts.between(first, last);
        return [...half, ...after.filter((a) => a.id > (half.at(-1)?.id ?? ""))];
      },
    },
  };
}

for (const seed of [1, 2])
  test(`finds nothing broken while the system changes between readings, though much looks so (seed ${seed})`, async () => {
    await using busy = await startBusyStore(seed);
    let suspects = 0;
    const onProgress = ({ kind, notifications }: AuditProgress) => {
      if (kind === "suspected") suspects += notifications;
    };
    for (let i = 0; i < 6; i++) {
      const audit = await readAudit(at(readWhile(busy.store, busy.work)), busy.known, { ...AT_ONCE, onProgress });
      assert.deepEqual(broken(audit), {});
      assert.equal(audit.deliveries, audit.ended + audit.open);
    }
    assert.ok(suspects > 0, "the writer never made anything look broken");
  });

test("finds every true break while the system changes, names its id and nothing else", async () => {
  await using busy = await startBusyStore(3);
  const { store, known } = busy;
  const put = async (key: string, over: Partial<Delivery>, attempts: (id: string) => AttemptRecord[] = () => [], times = 0) => {
    const n = sampleNotification(key, T0);
    const [d] = n.deliveries;
    const id = d!.id;
    await store.notifications.insert([{ ...n, deliveries: [{ ...d!, nextAt: undefined, endedAt: T0, ...over }] }]);
    await store.attempts.claim(attempts(id));
    if (times > 0) known.taken.set(id, times);
    return id;
  };
  const { accepted, unavailable } = OUTCOMES;
  const made = (number: number, outcome: AttemptRecord["outcome"]) => (id: string) => [claimOf({ id, attempt: number }, { outcome })];
  const twice = (id: string) => [...made(1, accepted)(id), ...made(2, accepted)(id)];
  // More than one page of what is well.
  for (let i = 0; i < 600; i++) known.accepted.add(await put(`well-${i}`, { state: "sent" }, made(1, accepted), 1));
  const [lost, orphan, strange] = ["a", "5", "f"].map((c) => `${c.repeat(32)}-0`) as [string, string, string];
  known.accepted.add(lost);
  await store.attempts.claim(made(1, accepted)(orphan));
  known.taken.set(strange, 1);
  const expected = {
    "1 accepted is kept": [lost],
    "1 no attempt without its notification": [orphan],
    "2 accepted = ends + open": [await put("limbo", { state: "pending", endedAt: undefined })],
    "2 uncertain has a next check": [await put("since", { state: "uncertain", endedAt: undefined, nextAt: T0 })],
    "2 sent has arrived": [await put("nowhere", { state: "sent" }, made(1, accepted))],
    "3 no second send (attempts)": [await put("twice", { state: "sent", attempt: 2 }, twice, 1)],
    "3 sent has its attempt": [await put("unsent", { state: "delivered" }, made(1, unavailable), 1)],
    "3 no second send (providers)": [strange, await put("taken-twice", { state: "sent" }, made(1, accepted), 2)].sort(),
    "4 an opt-out is obeyed": [await put("opted-out", { state: "suppressed" }, made(1, accepted), 1)],
  };
  const audit = await readAudit(at(readWhile(store, busy.work)), known, AT_ONCE);
  assert.deepEqual(broken(audit), expected);
  assert.deepEqual(
    audit.checks.map((c) => c.broken),
    audit.checks.map((c) => c.examples.length),
  );
});

test("a store at rest gives no reason to read anything twice, however many pages it has", async () => {
  await using store = await openStore("sqlite::memory:");
  const sent = { state: "sent", nextAt: undefined, endedAt: T0 } as const;
  const all = Array.from({ length: 1_200 }, (_, i) => sampleNotification(`${i}`, T0));
  const records = all.map((n) => ({ ...n, deliveries: n.deliveries.map((d) => ({ ...d, ...sent })) }));
  const ids = records.flatMap((n) => n.deliveries.map((d) => d.id));
  await store.notifications.insert(records);
  await store.attempts.claim(ids.map((id) => claimOf({ id, attempt: 1 }, { outcome: OUTCOMES.accepted })));
  const known = { taken: new Map(ids.map((id) => [id, 1])), accepted: new Set(ids) };
  const onProgress = ({ kind }: AuditProgress) => assert.equal(kind, "read", "something was read again");
  const audit = await readAudit(at(store), known, { onProgress });
  assert.deepEqual([audit.notifications, audit.deliveries, audit.attempts, audit.ended], [1_200, 1_200, 1_200, 1_200]);
  assert.deepEqual(broken(audit), {});
});

test("finds nothing broken while another process writes", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-audit-"));
  const STORE_URL = `sqlite:${join(directory, "busy.sqlite")}`;
  const support = join(import.meta.dirname, "../../test/support");
  const args = ["--import", join(support, "ends-with-parent.ts"), join(support, "busy-writer.ts")];
  const writer = spawn(process.execPath, args, { env: { ...process.env, STORE_URL }, stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(writer, "close");
  let beats = 0;
  try {
    writer.stdout.on("data", () => {
      beats++;
    });
    await once(writer.stdout, "data");
    await using store = await openStore(STORE_URL);
    let seen = 0;
    for (let i = 0; i < 10; i++) {
      const before = beats;
      const audit = await readAudit(at(store), {}, { readAgainAfterMs: [1, 10, 50] });
      assert.deepEqual(broken(audit), {});
      assert.ok(audit.notifications >= seen);
      seen = audit.notifications;
      while (beats === before) await once(writer.stdout, "data");
    }
  } finally {
    writer.kill("SIGKILL");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  }
});
