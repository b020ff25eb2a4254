import { CHANNELS, type Channel } from "../../core/delivery/channel.ts";
import { REASON_CODES } from "../../core/delivery/reason.ts";
import { STEERING_BOUND_MS } from "../../core/steering/steering.ts";
import { readTarget, type Target } from "../../core/steering/target.ts";
import { isActionId } from "../../operations/steering/audit-log.ts";
import { type DrainReport, drain } from "../../operations/steering/drain.ts";
import { pause, resume, showSteering } from "../../operations/steering/pauses.ts";
import { reevaluate } from "../../operations/steering/reevaluate.ts";
import { resend } from "../../operations/steering/resend.ts";
import { PROVIDERS } from "../../providers/list.ts";
import { systemClock } from "../../runtime/clock.ts";
import { type Command, count, duration, fail, oneOf, text } from "../command.ts";
import { LIFETIME } from "../duration-bounds.ts";
import { openNamedStore } from "../open-store.ts";
import { ORDER_OPTIONS, ORDER_USAGE, readOrder } from "../order.ts";
import { printable, printResult } from "../output.ts";
import { readSharedCircuits } from "../status/circuits.ts";
import { actionsText, drainText, pauseText, resentText, steeringText } from "./report.ts";

const STEERING_OPTIONS = { ...ORDER_OPTIONS, json: { type: "boolean" } } as const;
const STEERING_USAGE = `${ORDER_USAGE} [--json]`;
const ACTIONS_LIMIT = 50;
const ACTIONS_LIMIT_MAX = 1_000;

/** What operators do to the traffic, in the store that STORE_URL names. Each action is in the audit log. */
export const STEERING_COMMANDS: Readonly<Record<string, Command>> = {
  pause: {
    about:
      "sends nothing more of a channel, class, app or provider's account, within 5 s; what is accepted waits; exit status 1 if it is paused or drained already (STORE_URL)",
    usage: `TARGET ${STEERING_USAGE} [--until 2h] [--replace]`,
    details: [
      "TARGET is like channel:sms, class:marketing, app:shop, account:PROVIDER or account:PROVIDER/ACCOUNT. The pause ends by itself after --until.",
      "Where TARGET is paused or drained already, nothing is changed without --replace, and it is said who ordered what, and why.",
    ].join("\n"),
    options: { ...STEERING_OPTIONS, until: { type: "string" }, replace: { type: "boolean" } },
    async run({ values, positionals, env }) {
      const [target, order] = [readOneTarget(positionals[0]), readOrder({ values })];
      const forMs = values.until === undefined ? undefined : duration(values.until, "--until", LIFETIME);
      await using store = await openNamedStore(env);
      const paused = await pause({ store, providers: PROVIDERS }, { target, forMs, mayReplace: values.replace === true, ...order });
      const replaced = paused.replaced.map(withDates);
      printResult(values, paused.done ? { done: true, ...withDates(paused.record), replaced } : { done: false, target, replaced }, () =>
        pauseText(paused),
      );
      return paused.done ? 0 : 1;
    },
  },
  resume: {
    about: "sends again what was paused or drained; what waits goes out within seconds, critical first (STORE_URL)",
    usage: `TARGET ${STEERING_USAGE}`,
    options: STEERING_OPTIONS,
    async run({ values, positionals, env }) {
      const [target, order] = [readOneTarget(positionals[0]), readOrder({ values })];
      await using store = await openNamedStore(env);
      const wasPaused = await resume(store, { target, ...order });
      printResult(values, { target, wasPaused }, () =>
        wasPaused ? "resumed; `carillon steering` shows it until nothing waits any more" : "was not paused",
      );
      return wasPaused ? 0 : 1;
    },
  },
  drain: {
    about:
      "has another provider of the channel send what this one would; exit status 1 if something has to be accepted first (STORE_URL, REDIS_URL)",
    usage: `PROVIDER[/ACCOUNT] --to PROVIDER ${STEERING_USAGE} [--reevaluate] [--accept-waiting] [--change-accounts] [--replace]`,
    details: [
      `--reevaluate waits ${STEERING_BOUND_MS / 1_000} s, until every dispatcher knows the drain, and then makes due what waits on the channel.`,
      "Nothing is changed, and it is said why, without",
      "  --accept-waiting   where deliveries would wait: the circuit of an account that would send them is open, or it is paused or drained itself",
      "  --change-accounts  where apps would be sent by an account of another name",
      "  --replace          where PROVIDER[/ACCOUNT] is drained or paused already",
      "Without REDIS_URL, or while Redis is away, the circuits are not checked, and it says so.",
    ].join("\n"),
    options: {
      ...STEERING_OPTIONS,
      ...{ to: { type: "string" }, reevaluate: { type: "boolean" }, replace: { type: "boolean" } },
      ...{ "accept-waiting": { type: "boolean" }, "change-accounts": { type: "boolean" } },
    },
    async run({ values, positionals, env }) {
      const [from, to] = [readOneTarget(positionals[0]), providerOf(text(values.to) ?? "", "--to")];
      if (from.kind !== "account") fail("drain takes a provider's account, as PROVIDER or PROVIDER/ACCOUNT");
      const [provider = "", account] = from.value.split("/");
      const may = { mayWait: values["accept-waiting"] === true, mayChangeAccount: values["change-accounts"] === true };
      const what = { from: { ...providerOf(provider, "PROVIDER"), account }, to, ...may, mayReplace: values.replace === true };
      const order = readOrder({ values });
      await using store = await openNamedStore(env);
      const circuits = async () => (await readSharedCircuits(env)) ?? { why: "REDIS_URL is not set" };
      const report = await drain({ store, providers: PROVIDERS, circuits }, { ...what, ...order });
      const json = drainJson(report);
      if (!report.done || values.reevaluate !== true) {
        printResult(values, json, () => drainText(report, from.value, to.name));
        return report.done ? 0 : 1;
      }
      // Dispatchers that do not know the drain yet would send it back to the same account.
      await systemClock.sleep(STEERING_BOUND_MS);
      const counts = await reevaluate(store, { filter: { channel: to.channel }, clock: systemClock, ...order });
      const total = totalOf(counts);
      printResult(values, { ...json, reevaluated: { total, byChannel: counts } }, () =>
        [drainText(report, from.value, to.name), `${total} made due`].join("\n"),
      );
      return 0;
    },
  },
  steering: {
    about: "lists what is paused or drained: since when, by whom, why, and how many deliveries wait (STORE_URL)",
    usage: "[--json]",
    options: { json: { type: "boolean" } },
    async run({ values, env }) {
      await using store = await openNamedStore(env);
      const shown = await showSteering(store);
      printResult(values, { ...shown, targets: shown.targets.map(withDates) }, () => steeringText(shown.targets, shown.isCounted));
      return 0;
    },
  },
  reevaluate: {
    about: "makes due now what waits in the store for later, as after a circuit or quiet hours; it waits again where it must (STORE_URL)",
    usage: `[--reason CODE] [--channel C] [--app ID] ${STEERING_USAGE}`,
    options: { ...STEERING_OPTIONS, reason: { type: "string" }, channel: { type: "string" }, app: { type: "string" } },
    async run({ values, env }) {
      const filter = {
        reason: oneOf(values.reason, "--reason", REASON_CODES),
        channel: oneOf(values.channel, "--channel", CHANNELS),
        app: text(values.app),
      };
      if (Object.values(filter).every((condition) => condition === undefined)) fail("give at least one of --reason, --channel, --app");
      const order = readOrder({ values });
      await using store = await openNamedStore(env);
      const counts = await reevaluate(store, { filter, clock: systemClock, ...order });
      const total = totalOf(counts);
      printResult(values, { total, byChannel: counts }, () => `${total} made due`);
      return 0;
    },
  },
  resend: {
    about: "sends an ended notification again as a new one, with its stored content; prints the new id (STORE_URL)",
    usage: `NOTIFICATION_ID ${STEERING_USAGE}`,
    options: STEERING_OPTIONS,
    async run({ values, positionals, env }) {
      const id = positionals[0] ?? fail("NOTIFICATION_ID is missing");
      if (!/^[0-9a-f]{32}$/.test(id)) fail("NOTIFICATION_ID must be 32 hex digits");
      const order = readOrder({ values });
      await using store = await openNamedStore(env);
      const result = await resend(store, { id, ...order });
      printResult(values, result, () => resentText(result));
      return "notificationId" in result ? 0 : 1;
    },
  },
  "audit-log": {
    about: "lists what operators did, the newest first: when, who, what, why, and what came of it (STORE_URL)",
    usage: "[--limit N] [--before ID] [--json]",
    options: { limit: { type: "string" }, before: { type: "string" }, json: { type: "boolean" } },
    async run({ values, env }) {
      const limit = count(values.limit ?? ACTIONS_LIMIT, "--limit", ACTIONS_LIMIT_MAX);
      const before = text(values.before);
      // Any other text would be compared with ids, and list too much or nothing.
      if (before !== undefined && !isActionId(before)) fail("--before must be the id of an entry, as this command prints it");
      await using store = await openNamedStore(env);
      const actions = await store.steering.actions(before, limit);
      printResult(values, { actions: actions.map(withDates) }, () => actionsText(actions, limit));
      return 0;
    },
  },
};

const totalOf = (counts: Partial<Record<Channel, number>>) => Object.values(counts).reduce((sum, n) => sum + n, 0);

/** As JSON shows it: moments in ISO 8601. */
const withDates = <R extends { at: number; until?: number | undefined }>(record: R) => ({
  ...record,
  at: iso(record.at),
  ...(record.until !== undefined && { until: iso(record.until) }),
});
const iso = (at: number) => new Date(at).toISOString();

const drainJson = ({ replaced, waits, ...report }: DrainReport) => ({
  ...report,
  waits: {
    ...waits,
    circuits: waits.circuits.map(({ since, until, ...circuit }) => ({ ...circuit, since: iso(since), until: iso(until) })),
    orders: waits.orders.map(withDates),
  },
  replaced: replaced.map(withDates),
});

function readOneTarget(given: string | undefined): Target {
  if (given === undefined) return fail("TARGET is missing");
  const names = PROVIDERS.map(({ name }) => name);
  const target = readTarget(given, names);
  return "fault" in target ? fail(`"${printable(given).slice(0, 60)}": ${target.fault}`) : target;
}

const providerOf = (name: string, option: string) =>
  PROVIDERS.find((provider) => provider.name === name) ?? fail(`${option} must be one of ${PROVIDERS.map((p) => p.name).join(", ")}`);
