import { connect, errors, type NatsConnection } from "@nats-io/transport-node";
import { secretFile, text, type Values } from "../../runtime/config.ts";
import type { Logger } from "../../runtime/logger.ts";
import { UnreachableError } from "../unreachable.ts";
import { UnsafeSettingError } from "../unsafe-setting.ts";
import { judgeNatsVersion } from "./server-version.ts";

export const natsVariables = {
  NATS_URL: text({
    default: "nats://127.0.0.1:4222",
    reason: "servers of one NATS cluster, comma between; credentials do not belong here",
  }),
  NATS_USER: text({ default: "", reason: "user name; empty: none" }),
  NATS_PASSWORD_FILE: secretFile({ default: "", reason: "password of NATS_USER" }),
};

/** How long a first connection may take: a start without a server ends within 10 s. */
const CONNECT_MS = 5_000;
/** Between attempts to reconnect; the outbox covers tasks that are not published meanwhile. */
const RECONNECT_WAIT_MS = 500;

/** Subjects of one connection whose missing permission is logged: they name apps, so that there could be many. */
const VIOLATIONS_LOGGED_MAX = 20;

/** `log` is for what is detected after the connection was made. */
export type Nats = NatsConnection & AsyncDisposable & { readonly log: Logger; isConnected(): boolean };

/** For /readyz?verbose. */
export const natsCondition = (nats: Pick<Nats, "isConnected">) => () =>
  nats.isConnected()
    ? { holds: true, words: "connected" }
    : { holds: false, words: "not connected: it is tried again every second; what is due waits in the store" };

/**
 * Connects, and from then on reconnects for ever. Throws UnreachableError when the first connection fails, UnsafeSettingError when the
 * server is of a release that loses tasks; such a server found on a reconnection is only logged.
 */
export async function connectNats(config: Values<typeof natsVariables>, log: Logger): Promise<Nats> {
  const servers = config.NATS_URL.split(",").map((s) => s.trim());
  const hosts = servers.map((s) => (URL.canParse(s) ? new URL(s).host : s)).join(", ");
  let connection: NatsConnection;
  try {
    connection = await connect({
      servers,
      name: "carillon",
      timeout: CONNECT_MS,
      maxReconnectAttempts: -1,
      // Otherwise two rejected credentials in a row, as from a server being reconfigured, end the connection permanently.
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: RECONNECT_WAIT_MS,
      pingInterval: 10_000,
      ...(config.NATS_USER ? { user: config.NATS_USER, pass: config.NATS_PASSWORD_FILE } : {}),
    });
  } catch (error) {
    throw new UnreachableError("NATS", hosts, "start one with `nats-server -js`, or point NATS_URL at yours", error);
  }
  const first = judgeVersion(connection, log);
  if (first) {
    await connection.close();
    throw first;
  }
  /** "publish carillon.sms.…": each is logged once, however often it is tried. */
  const violations = new Set<string>();
  let isConnected = true;
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === "disconnect" || status.type === "reconnect") isConnected = status.type === "reconnect";
      if (status.type === "error" && status.error instanceof errors.PermissionViolationError) {
        const denied = `${status.error.operation} ${status.error.subject}`;
        const seen = violations.has(denied) || violations.size >= VIOLATIONS_LOGGED_MAX;
        if (!seen) violations.add(denied);
        if (!seen) log.error({ nats: hosts, denied }, "nats user has no permission for this subject");
      }
      if (status.type === "reconnect") {
        const fault = judgeVersion(connection, log);
        if (fault) log.error({ nats: hosts, fault: fault.message }, "nats is not safe to use as it is");
      }
      if (status.type === "disconnect" || status.type === "reconnect") log.warn({ nats: hosts, status: status.type }, "nats connection");
    }
  })();
  return Object.assign(connection, {
    log,
    isConnected: () => isConnected && !connection.isClosed(),
    // close(), not drain(): consumers were stopped before, and drain would wait for a server that may be unavailable.
    [Symbol.asyncDispose]: () => connection.close(),
  });
}

function judgeVersion(connection: NatsConnection, log: Logger): UnsafeSettingError | undefined {
  const version = connection.info?.version ?? "";
  const { rejected, known } = judgeNatsVersion(version);
  if (rejected.length > 0) return new UnsafeSettingError(`NATS at ${connection.getServer()}`, rejected);
  if (known.length > 0)
    log.warn({ nats: connection.getServer(), version, known }, "nats-server has known faults; run 2.12.9, 2.14 or newer");
  return undefined;
}
