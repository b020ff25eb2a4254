import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger } from "../runtime/logger.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { CROWDED_POLL_MS, createOutbox, LEASE_MAX, type OutboxKind } from "./outbox.ts";

/** A second kind of record: reminds once, then repeats every REPEAT_MS until it was sent `times` times. */
interface Reminder {
  id: string;
  due: number | undefined;
  sent: number;
  times: number;
}
type ReminderEffect = { id: string; sent: number } & ({ kind: "send" } | { kind: "done" });

const REPEAT_MS = 60_000;
const LEASE_MS = 15_000;

/** Durable: what a process that died has written stays. */
function createReminders(reminders: readonly Reminder[]) {
  const records = new Map(reminders.map((r) => [r.id, r]));
  return {
    records,
    async leaseDue(now: number, until: number, limit: number): Promise<Reminder[]> {
      const due = [...records.values()].filter((r) => r.due !== undefined && r.due <= now).sort((a, b) => a.due! - b.due!);
      return due.slice(0, limit).map((r) => {
        records.set(r.id, { ...r, due: until });
        return r;
      });
    },
    /** Applied only to a record that still is where the writer believes. */
    async change(id: string, expectSent: number, set: Partial<Reminder>): Promise<boolean> {
      const record = records.get(id)!;
      if (record.sent !== expectSent) return false;
      records.set(id, { ...record, ...set });
      return true;
    },
  };
}

/** What arrived; like a provider with an idempotency key, it takes each copy once. */
function createInbox() {
  const copies: string[] = [];
  return { copies, arrived: () => [...new Set(copies)].sort(), send: async (key: string) => void copies.push(key) };
}

type Step = "leased" | "gathered" | "sent" | "changed";

/** A relay process over the reminders; it dies at a step, where one is named. */
function createProcess(store: ReturnType<typeof createReminders>, inbox: ReturnType<typeof createInbox>, clock = createFakeClock()) {
  const process = { diesAt: undefined as Step | undefined, breaksAt: undefined as string | undefined, stuck: false };
  const reach = (step: Step) => {
    if (process.diesAt === step) throw new Error(`killed when ${step}`);
  };
  const kind: OutboxKind<Reminder, ReadonlySet<string>, ReminderEffect> = {
    store,
    async gather(records) {
      reach("gathered");
      return new Set(records.filter((r) => r.sent >= r.times).map(({ id }) => id));
    },
    evaluate({ id, sent }, _moment, finished) {
      if (id === process.breaksAt) throw new TypeError("a defect");
      return [{ id, sent, kind: finished.has(id) ? "done" : "send" }];
    },
    async apply(effects, { leasedAt }) {
      if (process.stuck) return { stuck: true };
      // First what may be repeated, then what moves the record on: nothing is lost by a crash in between.
      for (const { id, sent, kind } of effects) if (kind === "send") await inbox.send(`${id}/${sent + 1}`);
      reach("sent");
      for (const { id, sent, kind } of effects)
        await store.change(id, sent, kind === "done" ? { due: undefined } : { sent: sent + 1, due: leasedAt + REPEAT_MS });
      reach("changed");
      return { stuck: false };
    },
  };
  const lines: string[] = [];
  const outbox = createOutbox(kind, {
    ...{ pollMs: 1_000, clock, random: () => 0.5, leased: () => reach("leased") },
    log: createLogger("test", "info", { write: (line) => void lines.push(line) }),
  });
  return { outbox, process, clock, lines };
}

const reminder = (id: string, over: Partial<Reminder> = {}): Reminder => ({ id, due: 0, sent: 0, times: 1, ...over });

test("leases what is due, the oldest first, and leaves the rest", async () => {
  const clock = createFakeClock();
  const at = clock.now();
  const store = createReminders([reminder("b", { due: at - 1 }), reminder("a", { due: at - 2 }), reminder("later", { due: at + 1 })]);
  const inbox = createInbox();
  const { outbox } = createProcess(store, inbox, clock);
  assert.deepEqual(await outbox.iterate(), { leased: 2, stuck: false });
  assert.deepEqual(inbox.copies, ["a/1", "b/1"]);
  assert.deepEqual(await outbox.iterate(), { leased: 0, stuck: false });
});

test("a record that cannot be evaluated holds back none of those that are leased with it", async () => {
  const clock = createFakeClock();
  const store = createReminders([reminder("a"), reminder("broken"), reminder("c")]);
  const inbox = createInbox();
  const { outbox, process, lines } = createProcess(store, inbox, clock);
  process.breaksAt = "broken";
  assert.deepEqual(await outbox.iterate(), { leased: 3, stuck: false });
  assert.deepEqual(inbox.copies, ["a/1", "c/1"]);
  assert.match(lines.join(""), /cannot be evaluated/);
  assert.match(lines.join(""), /"record":"broken"/);
  clock.advance(LEASE_MS);
  await assert.rejects(outbox.iterate(), TypeError, "alone it is a failure of the iteration");
  process.breaksAt = undefined;
  clock.advance(LEASE_MS);
  await outbox.iterate();
  assert.deepEqual(inbox.arrived(), ["a/1", "broken/1", "c/1"]);
});

test("two relays at the same moment share the records, and nothing is done twice", async () => {
  const clock = createFakeClock();
  const ids = Array.from({ length: 40 }, (_, i) => `r${i}`);
  const store = createReminders(ids.map((id) => reminder(id)));
  const inbox = createInbox();
  const relays = [createProcess(store, inbox, clock), createProcess(store, inbox, clock)];
  await Promise.all(relays.map(({ outbox }) => outbox.iterate()));
  assert.equal(inbox.copies.length, ids.length);
  assert.deepEqual(inbox.arrived(), ids.map((id) => `${id}/1`).sort());
});

test("a relay that outlives its lease changes nothing that another has done since", async () => {
  const clock = createFakeClock();
  const store = createReminders([reminder("a", { times: 3 })]);
  const inbox = createInbox();
  const other = createProcess(store, inbox, clock);
  const slow = { ...store, leaseDue: store.leaseDue };
  const stalled = createProcess(
    {
      ...slow,
      async change(id, sent, set) {
        clock.advance(LEASE_MS);
        await other.outbox.iterate();
        return store.change(id, sent, set);
      },
    },
    inbox,
    clock,
  );
  await stalled.outbox.iterate();
  assert.equal(store.records.get("a")!.sent, 1, "the second writer's change was not applied");
  assert.deepEqual(inbox.arrived(), ["a/1"]);
});

for (const step of ["leased", "gathered", "sent", "changed"] as const)
  test(`a relay killed when ${step} loses nothing: the record is due again once its lease has ended`, async () => {
    const clock = createFakeClock();
    const store = createReminders([reminder("a"), reminder("b", { times: 2 })]);
    const inbox = createInbox();
    const dying = createProcess(store, inbox, clock);
    dying.process.diesAt = step;
    await assert.rejects(dying.outbox.iterate(), /killed/);
    const next = createProcess(store, inbox, clock);
    if (step !== "changed") assert.deepEqual(await next.outbox.iterate(), { leased: 0, stuck: false }, "its lease still holds");
    for (let minutes = 0; minutes < 5; minutes++) {
      clock.advance(REPEAT_MS);
      await next.outbox.iterate();
    }
    assert.deepEqual(inbox.arrived(), ["a/1", "b/1", "b/2"]);
    assert.deepEqual(
      [...store.records.values()].map(({ due }) => due),
      [undefined, undefined],
    );
  });

test("sleeps only where nothing was leased: an iteration gets a part where other relays lease at the same time", async () => {
  const clock = createFakeClock();
  const store = createReminders(Array.from({ length: 25 }, (_, i) => reminder(`r${i}`)));
  const inbox = createInbox();
  const parts = { ...store, leaseDue: (now: number, until: number) => store.leaseDue(now, until, 10) };
  const { outbox } = createProcess(parts, inbox, clock);
  const stop = new AbortController();
  const slept: number[] = [];
  clock.sleep = async () => {
    slept.push(inbox.copies.length);
    stop.abort();
  };
  await outbox.run(stop.signal);
  assert.deepEqual(slept, [25]);
});

test("goes on at once after a full iteration, unless it is stuck, and survives an iteration that fails", async () => {
  const clock = createFakeClock();
  const store = createReminders(Array.from({ length: LEASE_MAX + 1 }, (_, i) => reminder(`r${i}`)));
  const inbox = createInbox();
  const { outbox, process, lines } = createProcess(store, inbox, clock);
  const stop = new AbortController();
  const slept: number[] = [];
  clock.sleep = async (ms) => {
    slept.push(inbox.copies.length);
    assert.ok(ms > 0);
    clock.advance(LEASE_MS);
    if (slept.length === 1) process.stuck = false;
    if (slept.length === 2) process.diesAt = undefined;
    if (slept.length === 3) stop.abort();
  };
  process.stuck = true;
  process.diesAt = "changed";
  await outbox.run(stop.signal);
  assert.deepEqual(slept, [0, LEASE_MAX, LEASE_MAX + 1], "stuck: it waits; failed: it waits; backlog: it does not");
  const logged = lines.map((line) => JSON.parse(line) as { msg: string; err?: { message: string } });
  assert.deepEqual(
    logged.map(({ msg, err }) => [msg, err?.message]),
    [
      ["relay iterations fail; what they leased becomes due again", "killed when changed"],
      ["relay iterations succeed again", undefined],
    ],
  );
});

type Due = ReturnType<typeof createReminders> & { leftDue: boolean };

/** The pauses of a relay whose store has something left due, until `change` stops it. */
async function pausesOf(change: (pauses: number, store: Due, stop: AbortController) => void): Promise<number[]> {
  const clock = createFakeClock();
  const store = Object.assign(createReminders([]), { leftDue: true });
  const { outbox } = createProcess(store, createInbox(), clock);
  const stop = new AbortController();
  const slept: number[] = [];
  clock.sleep = async (ms) => change(slept.push(ms), store, stop);
  await outbox.run(stop.signal);
  return slept;
}

test("looks less and less often while a queue without room does not move, and at once when it does", async () => {
  const pauses = await pausesOf((count, store, stop) => {
    store.leftDue = count !== 6;
    if (count === 8) stop.abort();
  });
  assert.deepEqual(pauses, [10, 20, 40, 80, 80, 80, 1_000, 10]);
});

test("reads again soon where something stays due for want of room, and not where it is stuck", async () => {
  const pauses = await pausesOf((count, store, stop) => {
    if (count === 1) store.leftDue = false;
    if (count === 2) store.leaseDue = () => Promise.reject(new Error("made up"));
    store.leftDue ||= count === 2;
    if (count === 3) stop.abort();
  });
  assert.deepEqual(pauses, [CROWDED_POLL_MS, 1_000, 1_000]);
});
