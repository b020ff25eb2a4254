// Preloaded into processes that stand for pods (node --import): each has an address of its own, and the cluster's names.
//
//   POD_ADDRESS        on the loopback network; a process that listens on all addresses listens on this one
//   POD_NAMES_FILE     JSON: name of a service → addresses; rewritten by test/cluster/services.ts when they change
import dns from "node:dns";
import { readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

const address = process.env.POD_ADDRESS ?? "127.0.0.1";
const namesFile = process.env.POD_NAMES_FILE ?? "";
const isAny = (host: unknown) => host === undefined || host === "0.0.0.0" || host === "::";

function found(name: string): string[] | undefined {
  try {
    return (JSON.parse(readFileSync(namesFile, "utf8")) as Record<string, string[]>)[name.replace(/\.$/, "")];
  } catch {
    return undefined;
  }
}

const notFound = (name: string) =>
  Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND", errno: -3008, syscall: "getaddrinfo", hostname: name });
const entries = (addresses: readonly string[]) => addresses.map((one) => ({ address: one, family: 4 }));

const lookup = dns.lookup;
const statusQueryPromised = dns.promises.lookup;
type Done = (error: Error | null, address?: unknown, family?: number) => void;

dns.lookup = Object.assign((name: string, ...rest: unknown[]) => {
  const addresses = found(name);
  if (addresses === undefined) return Reflect.apply(lookup, dns, [name, ...rest]);
  const done = rest.at(-1) as Done;
  const all = typeof rest[0] === "object" && rest[0] !== null && "all" in rest[0] && rest[0].all === true;
  process.nextTick(() => {
    if (addresses.length === 0) done(notFound(name));
    else if (all) done(null, entries(addresses));
    else done(null, addresses[0], 4);
  });
}, lookup) as typeof dns.lookup;

dns.promises.lookup = (async (name: string, options?: unknown) => {
  const addresses = found(name);
  if (addresses === undefined) return Reflect.apply(statusQueryPromised, dns.promises, [name, options]);
  if (addresses.length === 0) throw notFound(name);
  const all = typeof options === "object" && options !== null && "all" in options && options.all === true;
  return all ? entries(addresses) : entries(addresses)[0];
}) as typeof dns.promises.lookup;

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (this: net.Server, ...args: unknown[]) {
  const [first, second] = args;
  if (typeof first === "object" && first !== null && "port" in first && (!("host" in first) || isAny(first.host)))
    args[0] = { ...first, host: address };
  else if (typeof first === "number" && (typeof second !== "string" || isAny(second)))
    args.splice(1, typeof second === "string" ? 1 : 0, address);
  return Reflect.apply(listen, this, args);
};
syncBuiltinESMExports();
