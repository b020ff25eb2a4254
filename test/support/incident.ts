// A bad hour of the whole system: a country is rejected, one app floods, and NATS restarts. docs/incident.md tells it; the tests solve it by commands, and in
// the console.
import assert from "node:assert/strict";
import { healthAddresses } from "../../cli/dev/exports.ts";
import type { LocalServer } from "../../cli/dev/local-servers.ts";
import { readSharedCircuits } from "../../cli/status/circuits.ts";
import { type RoleStatus, readRoles } from "../../cli/status/roles.ts";
import { contentToProto } from "../../core/content/content.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { type Notification, NotificationClass } from "../../gen/carillon/v1/notification_service.ts";
import { mail, notification, phone, settled, toEndpoint, wentOut } from "../e2e/calls.ts";
import { allArriveOnce } from "./arrived-once.ts";
import { eventually } from "./eventually.ts";
import { fresh, freshNumber } from "./fresh.ts";
import { KOREAN, rejectKorea } from "./rejected-country.ts";
import { type Sender, startSender } from "./sender.ts";
import { startNats } from "./servers.ts";
import { startSystem, type TestSystem } from "./system.ts";

/** Mails of the flood: many times what a queue takes of one app at once. */
const FLOOD = 300;
/** Texts to Korea: more than open a circuit. */
const TEXTS = 6;
const LETTERS = 6;
/** How long the flooded mailboxes take for each mail, in ms, until the flood is over: one at a time, so that it would last a quarter of an hour. */
const SLOW_MS = 3_000;
const FLOODED = "readers.example";
/** For the end of what waits for a circuit, a retry or the watchdog, in ms. */
const WAIT_MS = 120_000;
/** Few at once, so that what one app has in the queue keeps the other waiting. */
const ENV = { DISPATCH_IN_FLIGHT: "2", SMS_PROVIDERS: "twilio,vonage", EMAIL_PROVIDERS: "sendgrid" };

export type Incident = Awaited<ReturnType<typeof startIncident>>;

/** The system with the apps shop and news, before anything goes wrong. */
export async function startIncident() {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const system = stack.use(await startSystem({ ...ENV, NATS_URL: nats.url }));
  const shop = await startSender(system, "shop", stack);
  const news = await startSender(system, "news", stack);
  const kept = stack.move();
  return { ...system, ...incidentOf({ system, nats, shop, news }), [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const MARKETING = NotificationClass.NOTIFICATION_CLASS_MARKETING;
const many = (count: number, endpointOf: () => Endpoint, about: Partial<Notification> = {}) =>
  Array.from({ length: count }, () => notification({ recipient: toEndpoint(endpointOf()), ...about }));
const letterTo = (host: string) => () => mail(`${fresh("ada")}@${host}`);
const koreanNumber = () => phone(`${KOREAN}${freshNumber().slice(-8)}`);
const code = { content: contentToProto({ sms: { text: "482913 is your code." } }) };

interface Parts {
  system: TestSystem;
  nats: LocalServer;
  shop: Sender;
  news: Sender;
}

/** What happens, in its order, and what an operator's orders must bring about; each resolves once it is so. */
function incidentOf({ system, nats, shop, news }: Parts) {
  const { store, sandbox, roles } = system;
  const health = healthAddresses(roles);
  const korean: string[] = [];
  const letters: string[] = [];
  let provider: ReturnType<typeof rejectKorea>;
  let slow = 0;
  let sentWhilePaused = 0;

  const reasonsOf = async (ids: readonly string[]) => {
    const found = await Promise.all(ids.map((id) => store.notifications.find(id)));
    return found.flatMap((n) => n?.deliveries.map(({ state, reason }) => (state === "pending" ? (reason?.code ?? "none") : state)) ?? []);
  };
  const all = async (ids: readonly string[], reason: string) => (await reasonsOf(ids)).every((one) => one === reason);
  const wentOutOf = (ids: readonly string[]) => settled(system, ids, { is: wentOut, waitMs: WAIT_MS });
  const idsOf = ({ accepted }: Sender) => accepted.map(({ notificationId }) => notificationId);
  const callsOfNews = () => sandbox.ledger.entries().filter(({ recipient }) => recipient.endsWith(FLOODED)).length;
  const heldOrSent = async () => (await reasonsOf(idsOf(news))).every((one) => one === "paused" || one === "sent" || one === "delivered");
  const openCircuits = async () => {
    const circuits = await readSharedCircuits({ REDIS_URL: system.redisUrl });
    return circuits && "notClosed" in circuits ? circuits.notClosed.map(({ account }) => account).sort() : [];
  };
  const rolesSay = async (is: (role: RoleStatus) => boolean) => {
    const addresses = health.split(",").map((entry) => {
      const [name = "", address = ""] = entry.split("=");
      return { name, address };
    });
    return (await readRoles(addresses)).filter(({ name }) => /^(gateway|relay|dispatcher-)/.test(name)).every(is);
  };

  return {
    /** What `. .carillon/env` sets for commands. */
    commandEnv: { STORE_URL: system.storeUrl, NATS_URL: system.natsUrl, REDIS_URL: system.redisUrl, CARILLON_HEALTH: health },

    /** Texts to Korea wait, and shop's letters behind the flood of news. */
    async begin() {
      provider = rejectKorea(sandbox);
      slow = sandbox.faults.order({ provider: "sendgrid", match: FLOODED, times: FLOOD, do: { kind: "delay", ms: SLOW_MS } });
      korean.push(...(await shop.send(many(TEXTS, koreanNumber, code))));
      await news.send(many(FLOOD, letterTo(FLOODED), { notificationClass: MARKETING }));
      letters.push(...(await shop.send(many(LETTERS, letterTo("shoppers.example"), { notificationClass: MARKETING }))));
      await shop.send(many(TEXTS, () => phone(freshNumber()), code));
      await eventually("texts to Korea wait", () => all(korean, "misconfigured"));
      await eventually("both circuits are open", async () => (await openCircuits()).join() === "twilio/default,vonage/default");
      assert.ok(await all(letters, "none"), "letters wait behind the flood");
    },
    /** What an operator does at Vonage. */
    topUpVonage: () => provider.topUpVonage(),
    textsArrive: () => wentOutOf(korean),
    /** Nothing of news is sent any more, and shop's letters arrive. */
    async newsIsHeld() {
      await eventually("all of news waits for the end of its pause", heldOrSent);
      sentWhilePaused = callsOfNews();
      assert.ok(sentWhilePaused < FLOOD / 2, "most of the flood was held");
      await wentOutOf(letters);
    },
    /** Both apps go on sending, and are accepted. */
    async stopNats() {
      await nats.stop();
      await shop.send(many(TEXTS, () => phone(freshNumber()), code));
      await shop.send(many(LETTERS, letterTo("shoppers.example")));
      await news.send(many(LETTERS, letterTo(FLOODED), { notificationClass: MARKETING }));
      await eventually("each role says that NATS is away", () => rolesSay(({ words }) => words.some((one) => one.startsWith("NATS: not"))));
    },
    /** All of shop's has arrived, and news is still held. */
    async restartNats() {
      await nats.restart();
      await eventually("each role has NATS again", () => rolesSay(({ words }) => words.join() === "ready"));
      await wentOutOf(idsOf(shop));
      await eventually("what news sent meanwhile is held, too", heldOrSent);
      assert.equal(callsOfNews(), sentWhilePaused, "nothing was sent for the paused app");
    },
    /** News has mended its loop, and Twilio has enabled Korea. */
    mend() {
      assert.equal(callsOfNews(), sentWhilePaused, "nothing was sent for the paused app");
      sandbox.faults.clear(slow);
      provider.enableKorea();
    },
    /** Everything accepted of both apps has arrived once, and no promise is broken. */
    async isOver() {
      await allArriveOnce(system, [...shop.accepted, ...news.accepted], WAIT_MS);
      await eventually("the resumptions are done", async () => (await store.steering.list()).length === 0);
    },
    /** Each order is in the log of actions, with who gave it and why, and nothing else is. */
    async assertLogged(actor: string, reasons: Readonly<Record<"drain" | "pause" | "resumeNews" | "resumeTwilio", string>>) {
      const logged = await store.steering.actions(undefined, 20);
      // The console makes due what waits while other orders are given.
      const rows = logged.map((one) => `${one.actor} ${one.action} ${one.target}: ${one.reason}`).sort();
      assert.deepEqual(rows, [
        `${actor} drain account:twilio/default to vonage: ${reasons.drain}`,
        `${actor} pause app:news: ${reasons.pause}`,
        `${actor} reevaluate channel sms: ${reasons.drain}`,
        `${actor} resume account:twilio/default: ${reasons.resumeTwilio}`,
        `${actor} resume app:news: ${reasons.resumeNews}`,
      ]);
    },
  };
}
