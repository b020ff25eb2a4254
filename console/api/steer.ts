import type { ProviderName } from "../../core/apps/accounts.ts";
import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { EXPIRY_MAX_MS } from "../../core/delivery/lifetime.ts";
import { REASON_CODES } from "../../core/delivery/reason.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { SharedCircuits } from "../../core/ports/shared-circuits.ts";
import type { Store } from "../../core/ports/store.ts";
import { STEERING_BOUND_MS } from "../../core/steering/steering.ts";
import { readTarget, type Target, targetKey } from "../../core/steering/target.ts";
import { readCircuits } from "../../operations/status/circuits.ts";
import type { Order } from "../../operations/steering/audit-log.ts";
import { drain } from "../../operations/steering/drain.ts";
import { obstacleWords } from "../../operations/steering/obstacles.ts";
import { replacedWords } from "../../operations/steering/orders.ts";
import { pause, resume } from "../../operations/steering/pauses.ts";
import { reevaluate, type WaitingFilter } from "../../operations/steering/reevaluate.ts";
import type { SessionRoute } from "../auth/protect.ts";
import type { Said, ToAccept } from "../view-now.ts";
import { countOf, type Fields, flagOf, optionalApp, optionalOneOf, post, RequestFault, readOrder, textOf } from "./route.ts";

/** How long an order to re-evaluate is waited for, in ms; then it goes on, and its end stands in the log of actions. */
const ANSWER_MS = 3_000;
const LATE = "It goes on in the background; the log of actions says how many were made due.";
const MINUTE_MS = 60_000;
const TARGET_MAX = 200;

export interface SteerParts {
  store: Pick<Store, "notifications" | "steering" | "time" | "apps">;
  clock: Clock;
  providers: readonly ProviderName[];
  /** Of a channel, as its dispatchers share them in Redis. */
  circuits(channel: Channel): Pick<SharedCircuits, "read">;
}

/** What operators do to the traffic, each under an entry of the log of actions. */
export function createSteerRoutes(parts: SteerParts): SessionRoute[] {
  const { store, providers } = parts;
  const reevaluations = createReevaluations(parts);
  return [
    post("/api/pause", async (body, session): Promise<Said> => {
      const [order, target] = [readOrder(body, session), targetOf(body, providers)];
      const minutes = countOf(body, "minutes", EXPIRY_MAX_MS / MINUTE_MS);
      const mayReplace = flagOf(body, "replace");
      const paused = await pause(parts, { ...order, target, mayReplace, ...(minutes > 0 && { forMs: minutes * MINUTE_MS }) });
      if (!paused.done) return { said: "Nothing was changed.", toAccept: asked("replace", replacedWords(target, paused.replaced, "is")) };
      return {
        said: `${targetKey(target)} is paused within 5 s${minutes > 0 ? `, for ${minutes} min` : ""}.${sentences(replacedWords(target, paused.replaced, "was"))}`,
      };
    }),
    post("/api/resume", async (body, session): Promise<Said> => {
      const [order, target] = [readOrder(body, session), targetOf(body, providers)];
      const wasPaused = await resume(store, { ...order, target });
      return { said: wasPaused ? `${targetKey(target)} is resumed; what waited is sent.` : `${targetKey(target)} was not paused.` };
    }),
    post("/api/drain", (body, session) => drainAccount(parts, reevaluations, body, readOrder(body, session))),
    post("/api/reevaluate", async (body, session): Promise<Said> => {
      const order = readOrder(body, session);
      const filter = {
        ...{ reason: optionalOneOf(body, "reasonCode", REASON_CODES), channel: optionalOneOf(body, "channel", CHANNELS) },
        app: optionalApp(body),
      };
      if (Object.values(filter).every((given) => given === undefined))
        throw new RequestFault("give at least one of reasonCode, channel, app");
      return { said: await reevaluations.run(filter, order) };
    }),
  ];
}

function targetOf(body: Fields, providers: readonly ProviderName[]): Target {
  const target = readTarget(
    textOf(body, "target", TARGET_MAX),
    providers.map(({ name }) => name),
  );
  if ("fault" in target) throw new RequestFault(`target ${target.fault}`);
  return target;
}

type Reevaluations = ReturnType<typeof createReevaluations>;

async function drainAccount(parts: SteerParts, reevaluations: Reevaluations, body: Fields, order: Order): Promise<Said> {
  const { providers, clock } = parts;
  const from = targetOf({ target: `account:${textOf(body, "from", TARGET_MAX)}` }, providers);
  const [name, account] = from.value.split("/");
  const own = providers.find((one) => one.name === name)!;
  const to = providers.find((one) => one.name === textOf(body, "to", TARGET_MAX));
  if (to === undefined) throw new RequestFault(`to must be one of ${providers.map((one) => one.name).join(", ")}`);
  const may = {
    mayWait: flagOf(body, "acceptWaiting"),
    mayChangeAccount: flagOf(body, "changeAccounts"),
    mayReplace: flagOf(body, "replace"),
  };
  const isReevaluated = flagOf(body, "reevaluate");
  if (isReevaluated) reevaluations.requireIdle();
  const circuits = async () => (await readCircuits(parts.circuits, () => clock.now())) ?? { why: "Redis does not answer" };
  const { done, target, moved, waits, replaced } = await drain({ ...parts, circuits }, { ...order, ...may, from: { ...own, account }, to });
  const waiting = obstacleWords(waits);
  const unread = waits.circuitsUnread === undefined ? "" : ` Which circuits are open could not be checked: ${waits.circuitsUnread}.`;
  if (!done)
    return {
      said: `Nothing was changed.${unread}`,
      toAccept: [
        ...asked("acceptWaiting", waiting),
        ...asked(
          "changeAccounts",
          moved.map((one) => `${one.app}: ${one.from} to ${one.to}`),
        ),
        ...asked("replace", replacedWords(target, replaced, "is")),
      ],
    };
  const held = waiting.length === 0 ? "" : ` Deliveries may wait: ${waiting.join("; ")}.`;
  const said = `${from.value} is drained to ${to.name} within 5 s.${held}${sentences(replacedWords(target, replaced, "was"))}${unread}`;
  if (!isReevaluated) return { said };
  // Dispatchers that do not know the drain yet would send it back to the same account.
  void reevaluations.run({ channel: own.channel }, order, STEERING_BOUND_MS).catch(() => undefined);
  return { said: `${said} Then what waits on ${own.channel} is made due; the log of actions says how many.` };
}

/** What has to be accepted, in words, and with what words that is done. */
const TO_ACCEPT: Readonly<Record<ToAccept["flag"], Pick<ToAccept, "words" | "label">>> = {
  acceptWaiting: { words: "Deliveries would wait:", label: "Drain all the same: deliveries may wait" },
  changeAccounts: {
    words: "Apps would be sent by an account of another name, which may be another sender:",
    label: "These apps may be sent by the account of another name",
  },
  replace: { words: "Another order stands:", label: "Give this one all the same; what it replaces does not come back by itself" },
};

const asked = (flag: ToAccept["flag"], items: string[]): ToAccept[] => (items.length === 0 ? [] : [{ flag, ...TO_ACCEPT[flag], items }]);

const sentences = (words: readonly string[]) => words.map((one) => ` ${one}.`).join("");

/** One at a time: it reads everything that is open, and can take minutes. */
function createReevaluations({ store, clock }: SteerParts) {
  let isRunning = false;
  const requireIdle = () => {
    if (isRunning) throw new RequestFault("what waits is being re-evaluated already; the log of actions says when that has ended", 409);
  };
  return {
    requireIdle,
    /** Resolves with what is to be said. @param afterMs to wait before it begins */
    async run(filter: WaitingFilter, order: Order, afterMs = 0): Promise<string> {
      requireIdle();
      isRunning = true;
      const work = (async () => {
        try {
          if (afterMs > 0) await clock.sleep(afterMs);
          const counts = await reevaluate(store, { filter, clock, ...order });
          return `${Object.values(counts).reduce((sum, count) => sum + count, 0)} made due.`;
        } finally {
          isRunning = false;
        }
      })();
      const answered = new AbortController();
      const late = clock.sleep(ANSWER_MS, answered.signal).then(() => LATE);
      return Promise.race([work, late]).finally(() => answered.abort());
    },
  };
}
