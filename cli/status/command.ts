import { promisesOf } from "../../operations/audit/promises.ts";
import { readAudit } from "../../operations/audit/read-audit.ts";
import { auditRecent } from "../../operations/audit/recent-audit.ts";
import { readOpenByApp } from "../../operations/status/open-by-app.ts";
import { readWaiting } from "../../operations/status/waiting.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Environment } from "../../runtime/config.ts";
import { type Command, duration, fail, text } from "../command.ts";
import { FOLLOWING } from "../duration-bounds.ts";
import { EXIT } from "../exit-status.ts";
import { openNamedStore } from "../open-store.ts";
import { printResult } from "../output.ts";
import { readSharedCircuits } from "./circuits.ts";
import { readQueues } from "./queues.ts";
import { type StoredStatus, statusText } from "./report.ts";
import { readRoles } from "./roles.ts";
import { followNotifications, idsOf } from "./tail.ts";

/** Notifications that are followed at once: each is read twice a second. */
const TAIL_MAX = 200;

/** The commands that an operator uses first. */
export const STATUS_COMMANDS: Readonly<Record<string, Command>> = {
  status: {
    about:
      "shows which roles are ready (CARILLON_HEALTH), what waits and why, which apps have most open and what is paused (STORE_URL), the queues (NATS_URL) and open circuits (REDIS_URL); exit status 1 if a role is not ready, a queue cannot be read, or a promise is broken",
    usage: "[--promises] [--health gateway=HOST:PORT,relay=HOST:PORT,...] [--json]",
    details:
      "CARILLON_HEALTH or --health names where roles serve /readyz (HTTP_PORT). A source that is not named is left out. Counts cover the\n100,000 notifications that are due first. --promises reads everything, as `carillon audit` does, and checks that nothing is lost or sent twice. Of what was accepted\nin the last 10 minutes it checks what the console's page Now does: besides these two, opt-outs, and that what is critical is tried within 10 s.",
    options: { promises: { type: "boolean" }, health: { type: "string" }, json: { type: "boolean" } },
    async run({ values, env }) {
      const health = text(values.health) ?? env.CARILLON_HEALTH ?? "";
      const [roles, waiting, queues, circuits] = await Promise.all([
        readRoles(readAddresses(health)),
        readStored(env, values.promises === true),
        readQueues(env),
        readSharedCircuits(env),
      ]);
      if (roles.length === 0 && !waiting && !queues && !circuits)
        fail("name at least one of STORE_URL, NATS_URL, REDIS_URL and CARILLON_HEALTH");
      const status = { roles, waiting, queues, circuits };
      printResult(values, status, () => statusText(status));
      const { all = [], recent } = waiting?.promises ?? {};
      const isBroken = all.some(({ holds }) => !holds) || (recent?.promises.some(({ state }) => state === "broken") ?? false);
      const areQueuesRead = queues?.every((queue) => !("why" in queue)) ?? true;
      return roles.every(({ isReady }) => isReady) && areQueuesRead && !isBroken ? EXIT.ok : EXIT.failed;
    },
  },
  tail: {
    about:
      "prints each change of state of the deliveries of notifications, until all have ended; - reads ids, or the lines that send prints (STORE_URL)",
    usage: "ID... | - [--json] [--for 10m]",
    details: "For example: carillon send --file orders.jsonl | carillon tail -\nExit status 1 if some have not ended after --for.",
    options: { json: { type: "boolean" }, for: { type: "string", default: "10m" } },
    async run({ values, positionals, env }) {
      if (positionals.length === 0) fail("ID is missing: of a notification, or - for standard input");
      const forMs = duration(values.for, "--for", FOLLOWING);
      const ids = await idsOf(positionals, TAIL_MAX);
      await using store = await openNamedStore(env);
      return await followNotifications(store.notifications, ids, { json: values.json === true, forMs });
    },
  },
};

/** "gateway=127.0.0.1:8080,relay=…" */
function readAddresses(given: string): { name: string; address: string }[] {
  return given
    .split(",")
    .filter((entry) => entry.trim() !== "")
    .map((entry) => {
      const [, name, address] = /^\s*([a-z-]+)=(\S+:\d+)\s*$/.exec(entry) ?? fail("--health must be like gateway=127.0.0.1:8080,relay=…");
      return { name: name!, address: address! };
    });
}

async function readStored(env: Environment, isAudited: boolean): Promise<StoredStatus | undefined> {
  if (!env.STORE_URL) return isAudited ? fail("--promises reads the store: STORE_URL is not set") : undefined;
  await using store = await openNamedStore(env);
  const [{ apps, isCut }, steering] = [
    await readOpenByApp(store),
    (await store.steering.list()).filter(({ state }) => state !== "resumed"),
  ];
  const waiting = { ...(await readWaiting(store)), apps, areAppsCut: isCut, steering };
  if (!isAudited) return waiting;
  const { checks } = await readAudit({ store, clock: systemClock }, {});
  const recent = await auditRecent({ store, clock: systemClock });
  const { from, at, notifications, apps: appsRead, areAppsCut } = recent;
  return {
    ...waiting,
    promises: { all: checks, recent: { ...{ from, at, notifications, apps: appsRead, areAppsCut }, promises: promisesOf(recent) } },
  };
}
