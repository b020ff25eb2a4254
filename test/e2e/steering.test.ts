// Pauses by the operators' commands, from the first sign that they hold to what arrives afterwards.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { freshNumber } from "../support/fresh.ts";
import { startSystem, type TestSystem } from "../support/system.ts";
import { get, mail, phone, send, settled, toEndpoint, wentOut } from "./calls.ts";
import { runCli } from "./cli-process.ts";

let system: TestSystem;
before(async () => {
  system = await startSystem();
});
after(() => system?.[Symbol.asyncDispose]());

const ORDER = ["--by", "ada", "--why", "wrong text"];
const carillon = (...args: string[]) => runCli(args, { STORE_URL: system.storeUrl });
const text = () => send(system, { recipient: toEndpoint(phone(freshNumber())) });
const reasonOf = async (id: string) => (await get(system, id)).deliveries[0]?.reason;
const arrived = (notificationId: string) => system.sandbox.ledger.entries({ deliveryId: `${notificationId}-0` }).length;

test("texts are paused while they are sent, wait with the reason, and arrive once each after the resumption; mails go on", async () => {
  const sent: string[] = [];
  let isStreaming = true;
  const stream = (async () => {
    while (isStreaming) {
      sent.push((await text()).notificationId);
      await delay(20);
    }
  })();
  await eventually("texts arrive", async () => sent.some((id) => arrived(id) > 0));
  const paused = await carillon("pause", "channel:sms", ...ORDER, "--json");
  assert.equal(paused.code, 0, paused.stderr);
  // From the first one that is held on, no later one may be sent: the processes of this system read the store by one reader each.
  const count = sent.length;
  await eventually("what is sent now waits", async () => sent.length > count && (await reasonOf(sent.at(-2)!))?.code === "paused");
  await eventually("nothing is under way", async () =>
    (await Promise.all(sent.map(reasonOf))).every((r, i) => r?.code === "paused" || arrived(sent[i]!) > 0 || sent.length - i < 5),
  );
  const held: string[] = [];
  for (let i = 0; i < 20; i++) held.push((await text()).notificationId);
  isStreaming = false;
  await stream;
  await eventually("all that is sent waits", async () => (await Promise.all(held.map(reasonOf))).every((r) => r?.code === "paused"));
  assert.deepEqual(await reasonOf(held[0]!), { code: "paused", detail: "channel:sms" });
  assert.equal(
    held.reduce((n, id) => n + arrived(id), 0),
    0,
  );
  const letter = await send(system, { recipient: toEndpoint(mail("ada@example.com")) });
  const [mailed] = await settled(system, [letter.notificationId]);
  assert.ok(wentOut(mailed!.deliveries[0]!));

  const shown = JSON.parse((await carillon("steering", "--json")).stdout) as { targets: { actor: string; waiting: number }[] };
  assert.deepEqual([shown.targets.length, shown.targets[0]!.actor], [1, "ada"]);
  assert.ok(shown.targets[0]!.waiting >= held.length);
  assert.equal((await carillon("resume", "sms", ...ORDER)).code, 0);
  const ended = await settled(system, [...sent, ...held]);
  assert.ok(ended.every(({ deliveries }) => wentOut(deliveries[0]!)));
  for (const id of [...sent, ...held]) assert.equal(arrived(id), 1, id);
  assert.match((await carillon("steering")).stdout, /being resumed|nothing is paused/);
  const log = await carillon("audit-log");
  const { actions } = JSON.parse((await carillon("audit-log", "--json")).stdout) as { actions: { id: string; action: string }[] };
  const older = JSON.parse((await carillon("audit-log", "--json", "--before", actions[0]!.id)).stdout) as typeof actions;
  assert.deepEqual(older, { actions: actions.slice(1) });
  const mistyped = await carillon("audit-log", "--before", "yesterday");
  assert.deepEqual([mistyped.code, mistyped.stdout], [2, ""]);
  assert.match(mistyped.stderr, /--before must be the id of an entry, as this command prints it/);
  assert.match(log.stdout, /ada\s+resume\s+channel:sms\s+resumed\s+wrong text\n.*ada\s+pause\s+channel:sms\s+paused\s+wrong text/s);
});

test("a notification is sent again under a new id, and what waits for later is made due", async () => {
  const { notificationId } = await text();
  await settled(system, [notificationId]);
  const resent = await carillon("resend", notificationId, ...ORDER, "--json");
  assert.equal(resent.code, 0, resent.stderr);
  const next = (JSON.parse(resent.stdout) as { notificationId: string }).notificationId;
  const [record] = await settled(system, [next]);
  assert.ok(wentOut(record!.deliveries[0]!));
  assert.deepEqual([arrived(notificationId), arrived(next)], [1, 1]);
  assert.match((await carillon("resend", notificationId, ...ORDER)).stdout, new RegExp(`resent it before as ${next}`));
  const unknown = await carillon("resend", "0".repeat(32), ...ORDER);
  assert.deepEqual([unknown.code, unknown.stdout], [1, "there is no such notification\n"]);
  const none = await carillon("reevaluate", "--reason", "throttled", ...ORDER);
  assert.deepEqual([none.code, none.stdout], [0, "0 made due\n"]);
});

test("what a drained provider would send leaves by the other one, and what cannot be steered is refused in words", async () => {
  const drained = await carillon("drain", "twilio", "--to", "vonage", ...ORDER);
  assert.equal(drained.code, 0, drained.stderr);
  const providerOf = async () => {
    const { notificationId } = await text();
    await settled(system, [notificationId]);
    return system.sandbox.ledger.entries({ deliveryId: `${notificationId}-0` })[0]?.provider;
  };
  await eventually("the other provider sends", async () => (await providerOf()) === "vonage");
  // It would hold back what the drain sends.
  const paused = await carillon("pause", "twilio", ...ORDER);
  assert.equal(paused.code, 1);
  assert.match(
    paused.stdout,
    /^nothing was changed\nanother order stands \(--replace .*\n +account:twilio is drained to vonage, ordered by ada at \S+ \(reason: wrong text\)$/m,
  );
  const ring = await carillon("drain", "vonage", "--to", "twilio", "--accept-waiting", ...ORDER);
  assert.deepEqual([ring.code, ring.stdout], [1, ""]);
  assert.match(ring.stderr, /form a ring.* vonage\/default to twilio\/default to vonage\/default; resume account:twilio first/);
  assert.equal((await carillon("resume", "twilio", ...ORDER)).code, 0);
  await eventually("the first one sends again", async () => (await providerOf()) === "twilio");
  for (const [args, words] of [
    [["pause", "everything", ...ORDER], /must be channel:NAME/],
    [["pause", "sms", "--by", "ada"], /--why is missing/],
    [["pause", "sms", "--by", "ada", "--why", "\u001b"], /--why must have/],
    [["pause", "sms", "marketing", ...ORDER], /"marketing" is one argument too many/],
    [["drain", "twilio", "--to", "sendgrid", ...ORDER], /a drain needs another provider of sms/],
    [["drain", "twilio/deafult", "--to", "vonage", ...ORDER], /no app is sent by twilio\/deafult; did you mean twilio\/default\?/],
    [["pause", "twilio/deafult", ...ORDER], /no app is sent by twilio\/deafult; did you mean twilio\/default\?/],
    [["reevaluate", ...ORDER], /at least one of/],
    [["reevaluate", "--reason", "nonsense", ...ORDER], /--reason must be one of/],
  ] as const) {
    const { code, stderr } = await carillon(...args);
    assert.notEqual(code, 0);
    assert.match(stderr, words);
  }
});
