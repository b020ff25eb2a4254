import { status } from "@grpc/grpc-js";
import { BlobServiceClient } from "../../gen/carillon/v1/blob_service.ts";
import { ContactServiceClient } from "../../gen/carillon/v1/contact_service.ts";
import { NotificationServiceClient } from "../../gen/carillon/v1/notification_service.ts";
import { PreferenceServiceClient } from "../../gen/carillon/v1/preference_service.ts";
import { ProfileServiceClient } from "../../gen/carillon/v1/profile_service.ts";
import { type ClientParts, createClient } from "../../runtime/grpc/client.ts";
import { readDetails } from "../../runtime/grpc/status.ts";
import { OperatorError } from "../../runtime/operator-error.ts";

/** Deadline of a call, in ms: enough for a batch of 1,000 while the store is busy. */
export const CALL_MS = 30_000;

/** Clients of the gateway's services, with one app's API key. */
export interface Clients extends Disposable {
  notifications: NotificationServiceClient;
  contacts: ContactServiceClient;
  preferences: PreferenceServiceClient;
  blobs: BlobServiceClient;
  profiles: ProfileServiceClient;
}

/** For the first connection, in ms: enough for a name to be resolved and a handshake. */
const CONNECT_MS = 5_000;

/** Resolves once the gateway answers. Rejects with an OperatorError where it cannot be reached, so that not every call has to wait for that. */
export function awaitGateway({ notifications }: Pick<Clients, "notifications">, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    notifications.waitForReady(Date.now() + CONNECT_MS, (error) =>
      error
        ? reject(
            new OperatorError(
              `no gateway answers at ${address}; \`carillon up\` starts one here, --address or CARILLON_ADDRESS names another, and --tls is for one that serves TLS`,
            ),
          )
        : resolve(),
    );
  });
}

export function connectGateway(address: string, apiKey: string, tls?: ClientParts["tls"]): Clients {
  const parts = { token: apiKey, tls };
  using stack = new DisposableStack();
  const notifications = stack.use(createClient(NotificationServiceClient, address, parts));
  const contacts = stack.use(createClient(ContactServiceClient, address, parts));
  const preferences = stack.use(createClient(PreferenceServiceClient, address, parts));
  const blobs = stack.use(createClient(BlobServiceClient, address, parts));
  const profiles = stack.use(createClient(ProfileServiceClient, address, parts));
  const kept = stack.move();
  return { notifications, contacts, preferences, blobs, profiles, [Symbol.dispose]: () => kept.dispose() };
}

export interface CallFault {
  code: string;
  reason: string;
  message: string;
  retryAfterMs?: number;
  fields?: { field: string; rule: string; description: string }[];
}

/** Why a call failed, with names instead of numbers. */
export function readCallFault(error: unknown): CallFault {
  const { code, reason, message, fields, retryAfterMs } = readDetails(error);
  return {
    code: status[code] ?? String(code),
    reason: reason ?? "UNKNOWN",
    message,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(fields.length === 0 ? {} : { fields: fields.map((f) => ({ field: f.field, rule: f.rule, description: f.message })) }),
  };
}
