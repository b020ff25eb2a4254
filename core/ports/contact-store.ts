import type { Endpoint } from "../delivery/endpoint.ts";

export interface ContactRecord {
  app: string;
  userId: string;
  /** 32 hex digits: a hash of the endpoint's key. */
  endpointId: string;
  endpoint: Endpoint;
  /** ms since the epoch; renewed by registering again. */
  registeredAt: number;
}

export interface ContactStore {
  /** Inserts or renews. An endpoint belongs to one user per app: registering it for another moves it. */
  register(contact: ContactRecord): Promise<void>;
  remove(app: string, userId: string, endpointId: string): Promise<boolean>;
  /** Removes an endpoint that its provider reported as gone, unless it was registered again after `goneAt`. */
  removeGone(app: string, endpointId: string, goneAt: number): Promise<boolean>;
  list(app: string, userIds: readonly string[]): Promise<ContactRecord[]>;
}
