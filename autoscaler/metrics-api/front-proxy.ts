import { parseJson } from "../../runtime/parse-json.ts";
import { certificatesOf } from "../../runtime/tls/tls-files.ts";

/**
 * How to recognise the API server's front proxy, which names the calling user in headers: by its client certificate. As in the ConfigMap
 * kube-system/extension-apiserver-authentication (Kubernetes: Configure the Aggregation Layer).
 */
export interface FrontProxy {
  /** PEM, one or several. */
  ca: string;
  /** Common names; none: every certificate of that authority. */
  names: readonly string[];
  /** In order of preference; lower case. */
  userHeaders: readonly string[];
  uidHeaders: readonly string[];
  groupHeaders: readonly string[];
  extraPrefixes: readonly string[];
}

/** The calling user, as the front proxy names it. */
export interface Caller {
  user: string;
  uid: string | undefined;
  groups: readonly string[];
  extra: Readonly<Record<string, readonly string[]>>;
}

/** What is known of the other end of a connection. */
export type Peer =
  | { kind: "none" }
  | { kind: "unverified"; why: string }
  /** Signed by the front proxy's authority. */
  | { kind: "verified"; commonName: string | undefined };

/** The headers the API server sends by default. */
const DEFAULTS = {
  userHeaders: ["x-remote-user"],
  uidHeaders: ["x-remote-uid"],
  groupHeaders: ["x-remote-group"],
  extraPrefixes: ["x-remote-extra-"],
};

/** From a CA alone, with the default headers. Undefined where the text holds no certificate. */
export function frontProxyOf(ca: string, names: readonly string[]): FrontProxy | undefined {
  return holdsCertificates(ca) ? { ca, names, ...DEFAULTS } : undefined;
}

/** From the ConfigMap's `data`. Undefined where it has no usable CA: then the API server has no front proxy. */
export function parseFrontProxy(data: Readonly<Record<string, unknown>>): FrontProxy | undefined {
  const ca = data["requestheader-client-ca-file"];
  if (typeof ca !== "string" || !holdsCertificates(ca)) return undefined;
  const names = strings(data["requestheader-allowed-names"]);
  if (names === undefined) return undefined;
  const headers = (key: string, fallback: readonly string[]) => {
    const given = strings(data[key])?.map((h) => h.trim().toLowerCase());
    return given && given.length > 0 ? given : fallback;
  };
  return {
    ca,
    names,
    userHeaders: headers("requestheader-username-headers", DEFAULTS.userHeaders),
    uidHeaders: headers("requestheader-uid-headers", DEFAULTS.uidHeaders),
    groupHeaders: headers("requestheader-group-headers", DEFAULTS.groupHeaders),
    extraPrefixes: headers("requestheader-extra-headers-prefix", DEFAULTS.extraPrefixes),
  };
}

/** At least one certificate, all of them readable. */
const holdsCertificates = (text: string) => typeof certificatesOf(Buffer.from(text)) !== "string";

/** A JSON list of strings; [] where it is absent, undefined where it is something else. */
function strings(json: unknown): readonly string[] | undefined {
  if (json === undefined || json === "") return [];
  const value = parseJson(String(json));
  return Array.isArray(value) && value.every((v) => typeof v === "string") ? value : undefined;
}

export type Identified = { kind: "caller"; caller: Caller } | { kind: "rejected"; why: string };

/** @param headers each with all its values, names in lower case */
export function identify(frontProxy: FrontProxy, peer: Peer, headers: NodeJS.Dict<string[]>): Identified {
  const rejected = (why: string): Identified => ({ kind: "rejected", why });
  if (peer.kind === "none") return rejected("no client certificate");
  if (peer.kind === "unverified") return rejected(`the client certificate is not the front proxy's (${peer.why})`);
  const { commonName } = peer;
  if (frontProxy.names.length > 0 && (commonName === undefined || !frontProxy.names.includes(commonName)))
    return rejected("the client certificate's common name is not one of the front proxy's");
  const first = (names: readonly string[]) => names.flatMap((name) => headers[name] ?? []).find((value) => value !== "");
  const user = first(frontProxy.userHeaders);
  if (user === undefined) return rejected(`no ${frontProxy.userHeaders.join(" or ")} header`);
  return {
    kind: "caller",
    caller: {
      user,
      uid: first(frontProxy.uidHeaders),
      groups: frontProxy.groupHeaders.flatMap((name) => headers[name] ?? []).filter((group) => group !== ""),
      extra: extraOf(frontProxy, headers),
    },
  };
}

function extraOf({ extraPrefixes }: FrontProxy, headers: NodeJS.Dict<string[]>): Record<string, string[]> {
  const extra = new Map<string, string[]>();
  for (const prefix of extraPrefixes)
    for (const [name, values] of Object.entries(headers))
      if (name.startsWith(prefix)) {
        const key = unescapeKey(name.slice(prefix.length));
        extra.set(key, [...(extra.get(key) ?? []), ...(values ?? [])]);
      }
  return Object.fromEntries(extra);
}

function unescapeKey(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
