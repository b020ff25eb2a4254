import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OTHER_LISTENERS, type OtherListener } from "./kit/definition.ts";
import { replaceFile } from "./kit/files.ts";
import { fieldsOf, parseJson } from "./kit/read.ts";
import { PROVIDER_NAMES, type ProviderName } from "./list.ts";

export const LISTENER_NAMES = [...PROVIDER_NAMES, ...OTHER_LISTENERS, "admin"] as const;
export type ListenerName = ProviderName | OtherListener | "admin";
export type Ports = Partial<Record<ListenerName, number>>;

const fileIn = (directory: string) => join(directory, "ports.json");

/** The port numbers of the directory's last run: push URLs issued then stay valid. */
export function keptPorts(directory: string): Ports {
  let text = "{}";
  try {
    text = readFileSync(fileIn(directory), "utf8");
  } catch {
    // first start
  }
  return parsePorts(Object.entries(fieldsOf(parseJson(text))));
}

export const keepPorts = (directory: string, ports: Ports) => replaceFile(fileIn(directory), `${JSON.stringify(ports)}\n`);

/** From pairs of listener and port; invalid pairs are left out. */
export function parsePorts(pairs: Iterable<[string, unknown]>): Ports {
  const ports: Ports = {};
  for (const [key, value] of pairs) {
    const name = LISTENER_NAMES.find((known) => known === key);
    if (name !== undefined && Number.isInteger(Number(value)) && Number(value) >= 0 && Number(value) < 65_536) ports[name] = Number(value);
  }
  return ports;
}
