import { createHmac, randomBytes } from "node:crypto";
import { tokensFile } from "../../runtime/internal-tokens.ts";

/** Keys in the file: one a year for as long as anybody keeps logs. */
const KEYS_MAX = 20;
/** 64 bits: enough that no two people share it, and a line stays readable. */
const REFERENCE_CHARS = 16;

export const referenceKeyVariables = {
  CONSOLE_REFERENCE_KEYS_FILE: tokensFile({
    max: KEYS_MAX,
    default: "",
    reason:
      "names people in logs and in the log of actions by a keyed hash, the same for every replica. The first key names; the page of a person shows the names by all of them, so add a new key in " +
      "front and keep the old ones for as long as lines with their names are kept. Empty: the keys of CONSOLE_KEYS_FILE, and names by a key that was removed from it are not found any more",
  }),
};

/** Keyed hashes that name people in logs, the log of actions and viewers' pages: without the key nobody can find an address or a number by trying. */
export interface References {
  /** A user of an app. */
  ofPerson(app: string, userId: string): string;
  /** As earlier keys, which are still in the file, named the user. */
  earlierOfPerson(app: string, userId: string): string[];
  /** A person who is signed in. */
  ofName(name: string): string;
  /** An endpoint. @param endpointId its id, an unkeyed hash */
  ofEndpoint(endpointId: string): string;
  /** Whether the names are the same after this process, and in others. */
  areLasting(): boolean;
}

/** @param keys own: of CONSOLE_REFERENCE_KEYS_FILE; sessions: of CONSOLE_KEYS_FILE; both as they are now */
export function createReferences(keys: { own(): readonly string[]; sessions(): readonly string[] }): References {
  const ofProcess = randomBytes(32).toString("base64url");
  const all = (): readonly [string, ...string[]] => {
    const [first = ofProcess, ...earlier] = keys.own().length > 0 ? keys.own() : keys.sessions();
    return [first, ...earlier];
  };
  const person = (app: string, userId: string) => ["person", app, userId];
  return {
    ofPerson: (app, userId) => hashOf(all()[0], person(app, userId)),
    earlierOfPerson: (app, userId) =>
      all()
        .slice(1)
        .map((key) => hashOf(key, person(app, userId))),
    ofName: (name) => hashOf(all()[0], ["name", name]),
    ofEndpoint: (endpointId) => hashOf(all()[0], ["endpoint", endpointId]),
    areLasting: () => keys.own().length + keys.sessions().length > 0,
  };
}

/** None of the parts but the last has a line break in it. */
const hashOf = (key: string, parts: readonly string[]) =>
  createHmac("sha256", key)
    .update(["carillon console reference 1", ...parts].join("\n"))
    .digest("hex")
    .slice(0, REFERENCE_CHARS);
