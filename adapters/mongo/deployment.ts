import type { Danger } from "../unsafe-setting.ts";

/** MongoDB 7.0: the oldest release still maintained. */
const WIRE_VERSION_MIN = 21;
/** Data-bearing members of a replica set, at least: one can be lost, and a majority still has every write. */
const BEARING_MIN = 3;

/** The fields of the answer to `hello` that are checked (MongoDB manual, "hello"). */
export interface Hello {
  maxWireVersion?: number;
  isWritablePrimary?: boolean;
  readOnly?: boolean;
  /** "isdbgrid" from a mongos. */
  msg?: string;
  setName?: string;
  hosts?: readonly string[];
  passives?: readonly string[];
  arbiters?: readonly string[];
  primary?: string;
}

/** Whether one mongod outside any replica set may be the store. */
export type Standalone = "rejected" | "allowed";

/** Pure. Dangers keep a process from starting; warnings are about what may be intended. */
export function deploymentVerdict(hello: Hello, standalone: Standalone = "allowed"): { dangers: Danger[]; warnings: string[] } {
  const dangers: Danger[] = [];
  const { maxWireVersion, isWritablePrimary, readOnly, primary } = hello;
  if (!(Number(maxWireVersion) >= WIRE_VERSION_MIN)) {
    const why = `it is older than MongoDB 7.0, which speaks ${WIRE_VERSION_MIN}`;
    dangers.push({ setting: "wire version", value: `${maxWireVersion}`, why, fix: "run MongoDB 7.0 or newer" });
  }
  if (isWritablePrimary === false || readOnly === true) {
    const fix = `take directConnection out of STORE_URL and name the replica set${primary ? `; its primary is ${primary}` : ""}`;
    dangers.push({ setting: "isWritablePrimary", value: "false", why: "it takes no write", fix });
  }
  if (standalone === "rejected" && isStandalone(hello)) {
    const why = "its disk is the only copy, and a crash may lose writes it confirmed (SERVER-139311)";
    const fix =
      "start mongod with --replSet, run rs.initiate() once, and name the set in STORE_URL; to try Carillon out, set STORE_ALLOW_STANDALONE=true";
    dangers.push({ setting: "replica set", value: "none", why, fix });
  }
  return { dangers, warnings: warningsOf(hello) };
}

/** A mongos does not report the members. */
export const isMongos = ({ msg }: Hello): boolean => msg === "isdbgrid";
const isStandalone = (hello: Hello): boolean => !isMongos(hello) && !hello.setName;

function warningsOf(hello: Hello): string[] {
  const { hosts = [], passives = [], arbiters = [] } = hello;
  if (isMongos(hello)) return [];
  if (isStandalone(hello))
    return ["the store is one server outside any replica set: while it is unavailable nothing is accepted, and its disk is the only copy"];
  const bearing = hosts.length + passives.length;
  if (arbiters.length > 0)
    return [
      `the store's replica set has ${arbiters.length} arbiter(s): when a member with data is lost, too few disks may be left, and nothing is accepted`,
    ];
  return bearing < BEARING_MIN
    ? [`the store's replica set has ${bearing} member(s) with data, fewer than ${BEARING_MIN}: when one is lost, nothing is accepted`]
    : [];
}

/** The part of serverStatus that is checked. */
export interface StorageEngine {
  name?: string;
  persistent?: boolean;
}

/** Pure. `undefined`: the server does not report it. */
export const storageDangers = (engine: StorageEngine | undefined): Danger[] =>
  engine?.persistent === false
    ? [
        {
          setting: "storageEngine",
          value: engine.name ?? "not persistent",
          why: "a restart loses all that was accepted",
          fix: "run mongod with --storageEngine wiredTiger",
        },
      ]
    : [];
