// The packages of bench/peers/package.json, as far as they are used here. They are installed outside of this repository, so the types are ours.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { PushRequest } from "../notification-server.ts";

export interface PushNotificationsLibrary {
  /** Resolves when the provider has answered. */
  send(tokens: readonly string[], data: object): Promise<readonly { success: number; message: readonly { errorMsg?: string }[] }[]>;
}

export interface ApnProvider {
  send(notification: object, token: string): Promise<{ sent: readonly object[]; failed: readonly object[] }>;
}

export interface ApnPackage {
  Provider: new (options: object) => ApnProvider;
  Notification: new (values: object) => object;
}

export interface Queue {
  add(name: string, data: PushRequest, options: { jobId: string; removeOnComplete: true; removeOnFail: true }): Promise<unknown>;
}

export interface BullMqPackage {
  Queue: new (name: string, options: { connection: object }) => Queue;
  Worker: new (
    name: string,
    process: (job: { data: PushRequest }) => Promise<void>,
    options: { connection: object; concurrency: number; lockDuration: number },
  ) => { waitUntilReady(): Promise<unknown> };
}

interface Packages {
  "node-pushnotifications": new (settings: { apn: object }) => PushNotificationsLibrary;
  "@parse/node-apn": ApnPackage;
  bullmq: BullMqPackage;
}

/** @param folder where scripts/bench-peers has installed them */
export const loadPackage = <Name extends keyof Packages>(folder: string, name: Name): Packages[Name] =>
  createRequire(join(folder, "package.json"))(name) as Packages[Name];

/** What a client of @parse/node-apn must know of the stub; the rest is left at its defaults. */
export function apnOptions(origin: string, keyFile: string, caFile: string): object {
  const { hostname, port } = new URL(origin);
  return {
    token: { key: keyFile, keyId: "BENCHKEY01", teamId: "CARILLON01" },
    ...{ address: hostname, port: Number(port), ca: readFileSync(caFile), production: false },
  };
}
