import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { createAdmin } from "./admin.ts";
import { createInboxPages, type InboxPages } from "./inbox/api.ts";
import { openCertificate } from "./kit/certificate.ts";
import { OTHER_LISTENERS, type Simulator, type SimulatorParts } from "./kit/definition.ts";
import { shareable } from "./kit/environment.ts";
import { createFaults, type Faults } from "./kit/faults.ts";
import { readOrMake } from "./kit/files.ts";
import { createLedger, type Ledger } from "./kit/ledger.ts";
import { type Listener, listen, type WantedPort } from "./kit/listener.ts";
import { createOnce } from "./kit/once.ts";
import { createReceipts } from "./kit/receipts.ts";
import type { Suppressed } from "./kit/suppressions.ts";
import { createWebhooks, type Webhooks } from "./kit/webhooks.ts";
import { CHOICES, FAULT_TARGETS, PROVIDER_NAMES, type ProviderName, SIMULATORS, WEBHOOK_PROVIDERS } from "./list.ts";
import { keepPorts, keptPorts, LISTENER_NAMES, type ListenerName, type Ports, parsePorts } from "./ports.ts";
import type { Bounces } from "./smtp/bounces.ts";
import type { PushSubscription } from "./webpush/subscription.ts";

export type { Sender } from "./inbox/history.ts";
export type { DeliveryHistory, ShownState, TimelineEvent } from "./inbox/view.ts";
export type { FaultAction, FaultOrder, Faults, WebhookAction } from "./kit/faults.ts";
export type { Ledger, LedgerEntry, LedgerFilter, LedgerSummary } from "./kit/ledger.ts";
export type { Webhooks, WebhooksState } from "./kit/webhooks.ts";
export type { ProviderName } from "./list.ts";
export type { ListenerName, Ports } from "./ports.ts";
export type { PushSubscription } from "./webpush/subscription.ts";

export interface SandboxOptions {
  /** Credentials, certificate and port numbers are created here once and reused. */
  directory: string;
  /** Port by listener. Default: the port of the directory's last run where it is free, else any. */
  ports?: Ports | undefined;
  /** Address to listen on. Default 127.0.0.1. Every client that can reach it may order faults and read what was sent. */
  host?: string | undefined;
  /** Its host names: the certificate is valid for all, and the environment uses the first. Default: 127.0.0.1 alone. */
  names?: readonly string[] | undefined;
  /** Base URL (http:) of the receiver of webhooks, from the start. Default: none are sent. */
  webhooksUrl?: string | undefined;
  /** GET /credentials on the admin port returns every key, for processes that cannot read the directory. Default false. */
  shareCredentials?: boolean | undefined;
  /** ms since the epoch; for tests of expiry. */
  now?: (() => number) | undefined;
}

export interface Sandbox extends AsyncDisposable {
  /** The environment with which a dispatcher sends here. */
  env: Record<string, string>;
  adminUrl: string;
  ledger: Ledger;
  faults: Faults;
  /** Sent only while it has a target. */
  webhooks: Webhooks;
  /** The page that shows what arrived, at `adminUrl`/inbox. */
  inbox: Pick<InboxPages, "connect">;
  /** Adds addresses to what a provider keeps. Throws a RangeError where it keeps none, or has no such list. */
  suppress(provider: string, entries: readonly Suppressed[]): void;
  /** What the SMTP relay reports by mail. Only while it has a target. */
  bounces: Bounces;
  /** The same name gives the same keys for as long as the directory exists. Throws RangeError for a name with other characters than A-Z a-z 0-9 _ -. */
  webPushSubscription(name: string): PushSubscription;
  /**
   * The variables of another account of a provider: another team of APNs. The same name gives the same account for as long as the directory exists; after
   * a restart it is there once it is asked for. Throws RangeError for a name of another form.
   */
  accountEnv(provider: ProviderName, name: string): Record<string, string>;
  /** Apple issued this client certificate (PEM) for that account of APNs, whose first one has the name "". */
  takeApnsCertificate(account: string, pem: string): void;
  /** Revokes every FCM access token issued so far. */
  revokeAccessTokens(): void;
  /** Number of FCM token exchanges that succeeded. */
  accessTokensIssued(): number;
  /** Listeners whose port of the last start is taken by another process, with that port. */
  moved: readonly { name: ListenerName; port: number }[];
}

const LOOPBACK = "127.0.0.1";

/** Starts every provider and the admin API, each on a port of its own. Rejects with a RangeError where webhooksUrl is not an http: URL. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const now = options.now ?? Date.now;
  const certificate = await openCertificate(directory, Date.now(), options.names);
  const ledger = createLedger(PROVIDER_NAMES);
  const faults = createFaults({ targets: FAULT_TARGETS, webhookProviders: WEBHOOK_PROVIDERS });
  const receipts = createReceipts();
  const kept = keptPorts(directory);
  // Set once a listener is bound; not read before.
  const origins = Object.fromEntries(LISTENER_NAMES.map((name) => [name, ""])) as Record<ListenerName, string>;
  const shared = {
    certificate: certificate.server,
    once: createOnce(),
    now,
    file: (name: string, make: () => string) => fileIn(directory, name, make),
  };
  const simulators = openSimulators((name) => ({ ...shared, origin: () => origins[name] }));
  const all = PROVIDER_NAMES.map((name): [ProviderName, Simulator] => [name, simulators[name]]);

  await using stack = new AsyncDisposableStack();
  const moved: { name: ListenerName; port: number }[] = [];
  const closing = new AbortController();
  const writers = new Map(all.flatMap(([name, { webhooks: writer }]) => (writer ? [[name, writer] as const] : [])));
  const webhooks = createWebhooks({ writers, faults, receipts, now });
  const webhooksUrl = options.webhooksUrl?.replace(/\/+$/, "");
  webhooks.target(webhooksUrl);
  const open = async (name: ListenerName, listenOn: (wanted: WantedPort) => Promise<Listener>) => {
    const given = options.ports?.[name];
    const { host = LOOPBACK, names: [hostName = LOOPBACK] = [] } = options;
    const listener = stack.use(await listenOn({ port: given ?? kept[name] ?? 0, orAny: given === undefined, host, name: hostName }));
    origins[name] = listener.origin;
    const before = kept[name];
    if (given === undefined && before !== undefined && before !== listener.port) moved.push({ name, port: before });
    kept[name] = listener.port;
  };
  for (const [provider, simulator] of all) {
    const parts = { provider, ledger, faults, webhooks, receipts, now, closing: closing.signal };
    await open(provider, (wanted) => simulator.listen(wanted, parts));
    for (const name of OTHER_LISTENERS) {
      const listenOn = simulator.others?.[name];
      if (listenOn) await open(name, (wanted) => listenOn(wanted, parts));
    }
  }
  const { oauth } = simulators.fcm;
  const webPushSubscription = simulators.webpush.subscription;
  const variablesOf = (provider: ProviderName, account: string) =>
    simulators[provider].env(origins[provider], webhooksUrl ?? `${origins.admin}/sink`, { name: account, others: origins });
  const env = (): Record<string, string> => {
    const own = PROVIDER_NAMES.map((name) => variablesOf(name, ""));
    return Object.assign(
      { PROVIDER_CA_FILE: certificate.caFile, ...CHOICES },
      ...own,
      webhooksUrl === undefined ? {} : { FEEDBACK_URL: webhooksUrl },
    );
  };
  const credentials = options.shareCredentials ? () => shareable(env()) : undefined;
  const suppress = (provider: string, entries: readonly Suppressed[]) => {
    const kept = all.find(([name]) => name === provider)?.[1].suppressions;
    if (kept === undefined) throw new RangeError("this provider keeps no suppressions");
    for (const entry of entries) kept.add(entry);
  };
  const inbox = stack.use(createInboxPages({ ledger, faults, receipts, webhooks }));
  const admin = createAdmin({
    inbox,
    names: options.names ?? [],
    suppress,
    now,
    ledger,
    faults,
    webhooks,
    webPushSubscription,
    revokeAccessTokens: oauth.revoke,
    shared: credentials,
  });
  await open("admin", (wanted) => listen({ kind: "http" }, wanted, admin));
  keepPorts(directory, kept);
  stack.defer(() => closing.abort());
  stack.use(webhooks);

  const running = stack.move();
  return {
    env: env(),
    adminUrl: origins.admin,
    ledger,
    faults,
    webhooks,
    inbox,
    bounces: simulators.smtp.bounces,
    webPushSubscription,
    suppress,
    accountEnv(provider, name) {
      if (!/^[a-z][a-z0-9-]{0,30}$/.test(name))
        throw new RangeError("an account's name must be 1 to 31 of a-z, 0-9 and -, and begin with a letter");
      return variablesOf(provider, name);
    },
    takeApnsCertificate: simulators.apns.takeCertificate,
    revokeAccessTokens: oauth.revoke,
    accessTokensIssued: oauth.issued,
    moved,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function fileIn(directory: string, name: string, make: () => string) {
  const path = join(directory, name);
  return { path, text: readOrMake(path, make) };
}

type Simulators = { [Name in ProviderName]: ReturnType<(typeof SIMULATORS)[Name]["open"]> };

const openSimulators = (partsOf: (name: ProviderName) => SimulatorParts) =>
  Object.fromEntries(PROVIDER_NAMES.map((name) => [name, SIMULATORS[name].open(partsOf(name))])) as unknown as Simulators;

if (import.meta.main) {
  const { values } = parseArgs({ options: { directory: { type: "string" }, port: { type: "string", multiple: true, default: [] } } });
  const pairs = values.port.map((text): [string, string] => [text.split("=")[0] ?? "", text.split("=")[1] ?? ""]);
  const ports = parsePorts(pairs);
  if (values.directory === undefined || Object.keys(ports).length < pairs.length) {
    console.error(`usage: node sandbox/main.ts --directory DIR [--port LISTENER=NUMBER ...]\nlisteners: ${LISTENER_NAMES.join(", ")}`);
    process.exit(2);
  }
  const sandbox = await startSandbox({ directory: values.directory, ports });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void sandbox[Symbol.asyncDispose]());
  console.log(JSON.stringify({ env: sandbox.env, adminUrl: sandbox.adminUrl }, undefined, 2));
}
