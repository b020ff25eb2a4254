import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { OperatorError } from "../../runtime/operator-error.ts";
import { UnreachableError } from "../unreachable.ts";
import { type Danger, UnsafeSettingError } from "../unsafe-setting.ts";
import { denied } from "./permissions.ts";
import type { StreamValues } from "./stream-variables.ts";

/** JetStream's error codes, from its errors.json. */
const CODES = {
  noSuitablePeers: 10005,
  insufficientResources: 10023,
  streamsMaximum: 10028,
  insufficientStorage: 10047,
  subjectsOverlap: 10065,
  notClustered: 10074,
  ackPendingLimit: 10121,
};

export const isOverlap = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === CODES.subjectsOverlap;

export const isMissing = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;

/** The server's rejection of a stream or consumer that was requested. */
export function rejection(error: JetStreamApiError, what: string, config: StreamValues): Danger {
  const fix = "see the server's log and the account's limits";
  return knownRejection(error, what, config) ?? { setting: what, value: "not as it must be", why: reasonOf(error, what), fix };
}

const reasonOf = (error: JetStreamApiError, what: string) => `${what} is rejected: ${error.message} (${error.code})`;

/** The same, where the error identifies the setting to change. */
export function knownRejection(error: JetStreamApiError, what: string, config: StreamValues): Danger | undefined {
  const why = reasonOf(error, what);
  switch (error.code) {
    case CODES.noSuitablePeers:
    case CODES.notClustered: {
      const value = `${config.NATS_REPLICAS}`;
      return {
        setting: "NATS_REPLICAS",
        value,
        why,
        fix: `connect to a cluster of ${value} servers with JetStream, or set NATS_REPLICAS=1`,
      };
    }
    case CODES.insufficientResources:
    case CODES.insufficientStorage: {
      const fix = "give each server room for five times that (jetstream max_file_store, the account's limits), or lower it";
      return { setting: "NATS_STREAM_BYTES_MAX", value: `${config.NATS_STREAM_BYTES_MAX}`, why, fix };
    }
    case CODES.ackPendingLimit:
      return {
        setting: "NATS_ACK_PENDING_MAX",
        value: `${config.NATS_ACK_PENDING_MAX}`,
        why,
        fix: "lower it, or raise the server's limit",
      };
    case CODES.streamsMaximum:
      return { setting: "the account's limit of streams", value: "reached", why, fix: "raise it: there is one stream per channel" };
    default:
      return undefined;
  }
}

/** The error as a message to an operator; an error that does not come from NATS is rethrown. */
export function asOperatorError(error: unknown, host: string): OperatorError {
  if (error instanceof OperatorError) return error;
  // The package does not export the class of this error.
  if (error instanceof Error && error.name === "JetStreamNotEnabled") {
    const fix = "start nats-server with -js (or `jetstream {}` in its configuration), and enable it for the account of NATS_USER";
    return new UnsafeSettingError(`NATS at ${host}`, [{ setting: "JetStream", value: "off", why: "tasks have no queue", fix }]);
  }
  const violation = [error, (error as Error).cause].find((e) => e instanceof errors.PermissionViolationError);
  if (violation) return new UnsafeSettingError(`NATS at ${host}`, [denied(violation.operation, violation.subject)]);
  const ofNats = error instanceof JetStreamApiError || Object.values(errors).some((kind) => error instanceof kind);
  if (!ofNats) throw error;
  return new UnreachableError(
    "JetStream",
    host,
    "see that most servers of the cluster are up, and that NATS_USER may use $JS.API.>",
    error,
  );
}
