import type { ProviderName } from "../../core/apps/accounts.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { EXPIRY_MAX_MS } from "../../core/delivery/lifetime.ts";
import { REASON_CODES } from "../../core/delivery/reason.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Store } from "../../core/ports/store.ts";
import { STEERING_BOUND_MS } from "../../core/steering/steering.ts";
import { readTarget, type Target, targetKey } from "../../core/steering/target.ts";
import type { Order } from "../../operations/steering/audit-log.ts";
import { drain, pause, resume } from "../../operations/steering/pauses.ts";
import { reevaluate, type WaitingFilter } from "../../operations/steering/reevaluate.ts";
import type { SessionRoute } from "../auth/protect.ts";
import type { Said } from "../view-now.ts";
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
}

/** What operators do to the traffic, each under an entry of the log of actions. */
export function createSteerRoutes(parts: SteerParts): SessionRoute[] {
  const { store, providers } = parts;
  const reevaluations = createReevaluations(parts);
  return [
    post("/api/pause", async (body, session): Promise<Said> => {
      const [order, target] = [readOrder(body, session), targetOf(body, providers)];
      const minutes = countOf(body, "minutes", EXPIRY_MAX_MS / MINUTE_MS);
      const { until } = await pause(store, { ...order, target, ...(minutes > 0 && { forMs: minutes * MINUTE_MS }) });
      return { said: `${targetKey(target)} is paused within 5 s${until === undefined ? "" : `, for ${minutes} min`}.` };
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

async function drainAccount({ store, providers }: SteerParts, reevaluations: Reevaluations, body: Fields, order: Order): Promise<Said> {
  const from = targetOf({ target: `account:${textOf(body, "from", TARGET_MAX)}` }, providers);
  const [name, account] = from.value.split("/");
  const own = providers.find((one) => one.name === name)!;
  const to = providers.find((one) => one.name === textOf(body, "to", TARGET_MAX));
  if (to === undefined) throw new RequestFault(`to must be one of ${providers.map((one) => one.name).join(", ")}`);
  const [mayChangeAccount, isReevaluated] = [flagOf(body, "changeAccounts"), flagOf(body, "reevaluate")];
  if (isReevaluated) reevaluations.requireIdle();
  const { done, moved } = await drain(store, { ...order, from: { ...own, account }, to, mayChangeAccount });
  const changes = moved.map((one) => `${one.app}: ${one.from} to ${one.to}`);
  if (!done)
    return { said: "Nothing was changed: apps would be sent by an account of another name, which may be another sender.", moved: changes };
  const said = `${from.value} is drained to ${to.name} within 5 s.`;
  if (!isReevaluated) return { said };
  // Dispatchers that do not know the drain yet would send it back to the same account.
  void reevaluations.run({ channel: own.channel }, order, STEERING_BOUND_MS).catch(() => undefined);
  return { said: `${said} Then what waits on ${own.channel} is made due; the log of actions says how many.` };
}

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
