import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { createAdmin } from "./admin.ts";
import { createApns, STREAMS_BEFORE_TOKEN } from "./apns/simulator.ts";
import { createOAuth } from "./fcm/oauth.ts";
import { createFcm } from "./fcm/simulator.ts";
import { openCertificate } from "./kit/certificate.ts";
import { openCredentials } from "./kit/credentials.ts";
import { environmentOf, shareable } from "./kit/environment.ts";
import { createFaults, type Faults } from "./kit/faults.ts";
import { createExchange } from "./kit/handler.ts";
import { createLedger, type Ledger } from "./kit/ledger.ts";
import { type Handler, listen, type Transport } from "./kit/listener.ts";
import { createOnce } from "./kit/once.ts";
import { keepPorts, keptPorts, LISTENER_NAMES, type ListenerName, type Ports, parsePorts } from "./kit/ports.ts";
import type { Play } from "./kit/simulator.ts";
import { createMandrill } from "./mandrill/simulator.ts";
import { createSendgrid } from "./sendgrid/simulator.ts";
import { createTwilio } from "./twilio/simulator.ts";
import { createVonage } from "./vonage/simulator.ts";
import { createWebhooks, type Webhooks } from "./webhooks.ts";
import { createWebPush, isSubscriptionName } from "./webpush/simulator.ts";
import { type PushSubscription, rememberSubscribers } from "./webpush/subscription.ts";

export type { FaultAction, FaultOrder, Faults, WebhookAction } from "./kit/faults.ts";
export type { Ledger, LedgerEntry, LedgerFilter, LedgerSummary } from "./kit/ledger.ts";
export type { ListenerName, Ports } from "./kit/ports.ts";
export type { ProviderName } from "./kit/simulator.ts";
export type { Webhooks, WebhooksState } from "./webhooks.ts";
export type { PushSubscription } from "./webpush/subscription.ts";

export interface SandboxOptions {
  /** Credentials, certificate and port numbers are made here once and found again. */
  directory: string;
  /** Port by listener; otherwise the directory's last one where it is free, else any. */
  ports?: Ports | undefined;
  /** Address to listen on. Default 127.0.0.1; anybody who reaches another may order faults and read what was sent. */
  host?: string | undefined;
  /** Host names that others call it by: the certificate holds for all, and the environment says the first. Default: 127.0.0.1 alone. */
  names?: readonly string[] | undefined;
  /** Base URL (http:) of who takes the webhooks, from the start. Default: nobody does. */
  webhooksUrl?: string | undefined;
  /** Answers GET /credentials on the admin port with every key, for those who cannot read the directory. Default false. */
  shareCredentials?: boolean | undefined;
  /** ms since the epoch; for tests of what expires. */
  now?: (() => number) | undefined;
}

export interface Sandbox extends AsyncDisposable {
  /** Everything a dispatcher must be told to send here. */
  env: Record<string, string>;
  adminUrl: string;
  ledger: Ledger;
  faults: Faults;
  /** Of Twilio, Vonage, SendGrid and Mandrill; nobody is told until it has a target. */
  webhooks: Webhooks;
  /** The same name gives the same keys as long as the directory stays. Throws RangeError for names but A-Z a-z 0-9 _ -. */
  webPushSubscription(name: string): PushSubscription;
  /** Makes every FCM access token issued so far unknown. */
  revokeAccessTokens(): void;
  /** FCM token exchanges that succeeded. */
  accessTokensIssued(): number;
}

const LOOPBACK = "127.0.0.1";
/** HTTP/2 streams a connection to FCM may have open. */
const FCM_STREAMS_MAX = 100;

/** Starts the seven providers and the admin API, each on a port of its own. Throws RangeError where webhooksUrl is no http: URL. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const now = options.now ?? Date.now;
  const certificate = await openCertificate(directory, Date.now(), options.names);
  const credentials = openCredentials(directory);
  const ledger = createLedger();
  const faults = createFaults();
  const once = createOnce();
  const oauth = createOAuth(credentials.fcm, now);
  const kept = keptPorts(directory);

  await using stack = new AsyncDisposableStack();
  const closing = new AbortController();
  const webhooks = createWebhooks({ credentials, faults, now });
  const webhooksUrl = options.webhooksUrl?.replace(/\/+$/, "");
  webhooks.target(webhooksUrl);
  // Known to the plays only once their listener is bound; none is asked before.
  const origins = Object.fromEntries(LISTENER_NAMES.map((name) => [name, ""])) as Record<ListenerName, string>;
  const open = async (name: ListenerName, transport: Transport, handler: Handler) => {
    const given = options.ports?.[name];
    const { host = LOOPBACK, names: [hostName = LOOPBACK] = [] } = options;
    const wanted = { port: given ?? kept[name] ?? 0, orAny: given === undefined, host, name: hostName };
    const listener = stack.use(await listen(transport, wanted, handler));
    origins[name] = listener.origin;
    kept[name] = listener.port;
  };
  const play = (transport: Transport, play: Play) =>
    open(play.provider, transport, createExchange({ play, ledger, faults, webhooks, now, closing: closing.signal }));

  const subscriber = rememberSubscribers(credentials.webpush.subscriptionSecret);
  function webPushSubscription(name: string): PushSubscription {
    if (!isSubscriptionName(name)) throw new RangeError("a subscription's name is 1 to 100 of A-Z a-z 0-9 _ -");
    const { publicKey, auth } = subscriber(name);
    return {
      pushUrl: `${origins.webpush}/wpush/${name}`,
      p256dh: publicKey.toString("base64url"),
      auth: auth.toString("base64url"),
    };
  }

  const tls = { certificate: certificate.server };
  const http: Transport = { kind: "http" };
  const { from } = credentials.email;
  await play({ kind: "h2", ...tls, streamsMax: STREAMS_BEFORE_TOKEN }, createApns({ credentials: credentials.apns, once, now }));
  await play(
    { kind: "h2-or-http1", ...tls, streamsMax: FCM_STREAMS_MAX },
    createFcm({ credentials: credentials.fcm, oauth, once, tokenUrl: () => `${origins.fcm}/token` }),
  );
  await play(
    { kind: "https", ...tls },
    createWebPush({ subscriber, vapidPublicKey: credentials.webpush.publicKey, origin: () => origins.webpush, once, now }),
  );
  await play(http, createTwilio({ credentials: credentials.twilio, now }));
  await play(http, createVonage({ credentials: credentials.vonage, once, now }));
  await play(http, createSendgrid({ credentials: credentials.sendgrid, from, now }));
  await play(http, createMandrill({ credentials: credentials.mandrill, from, now }));
  const env = () => environmentOf(credentials, origins, certificate.caFile, webhooksUrl);
  const shared = options.shareCredentials ? () => shareable(env()) : undefined;
  await open("admin", http, createAdmin({ ledger, faults, webhooks, webPushSubscription, revokeAccessTokens: oauth.revoke, shared }));
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
    webPushSubscription,
    revokeAccessTokens: oauth.revoke,
    accessTokensIssued: oauth.issued,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

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
