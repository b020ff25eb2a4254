import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Content } from "../../core/content/content.ts";
import { webPushPlaintext } from "../../core/content/webpush-payload.ts";
import type { Endpoint } from "../../core/delivery/endpoint.ts";
import { attemptId } from "../../core/ports/attempt-store.ts";
import { type Sandbox, startSandbox } from "../../sandbox/main.ts";
import type { Limits, Side } from "../compare/rounds.ts";
import { cpu, measure, type Section } from "../compare/section.ts";
import { type Program, startProgram } from "../program.ts";
import type { StubState } from "../programs/provider-stub.ts";
import type { Figure, RowName } from "./figure.ts";
import { comparisonLimits, figuresOf } from "./sections.ts";

const push = { title: "Your order", body: "It is on its way and arrives today.", data: { order: "1017" } };
const PUSH: Content = { push };
const SMS: Content = { sms: { text: "Your order 1017 is on its way and arrives today." } };
const EMAIL: Content = {
  email: {
    subject: "Your order 1017",
    text: "It is on its way and arrives today.\n".repeat(20),
    html: `<html><body>${"<p>It is on its way and arrives today.</p>".repeat(20)}</body></html>`,
  },
};

/** Sends of each program before it is measured: until then code is compiled, and a web push takes a third more. */
const WARM_UP_SENDS = 15_000;

const DELIVERY = `${"0".repeat(32)}-0`;
const IDS = { delivery: DELIVERY, attempt: attemptId(DELIVERY, 1) };

interface Subject {
  row: RowName;
  provider: string;
  title: string;
  endpoint(stub: string, sandbox: Sandbox): Endpoint;
  content: Content;
  /** Variables that lead it to the stub. */
  env(stub: string): Record<string, string>;
}

const token: Subject["endpoint"] = () => ({ channel: "fcm", token: "cXJ0:APA91bH".padEnd(160, "x") });
const phone: Subject["endpoint"] = () => ({ channel: "sms", phoneNumber: "+447700900123" });
const address: Subject["endpoint"] = () => ({ channel: "email", address: "ann@example.org" });

const SUBJECTS: readonly Subject[] = [
  { row: "T11", provider: "fcm", title: "FCM", endpoint: token, content: PUSH, env: (stub) => ({ FCM_ORIGIN: stub }) },
  {
    row: "T11",
    provider: "webpush",
    title: "web push",
    endpoint(stub, sandbox) {
      const { p256dh, auth } = sandbox.webPushSubscription("bench");
      return { channel: "webpush", pushUrl: `${stub}/wpush/v2/${"g".repeat(180)}`, p256dh, auth };
    },
    content: PUSH,
    env: (stub) => ({ WEBPUSH_HOSTS: new URL(stub).host, OUTBOUND_ALLOWED_ADDRESSES: "127.0.0.1" }),
  },
  { row: "T12", provider: "twilio", title: "Twilio", endpoint: phone, content: SMS, env: (stub) => ({ TWILIO_ORIGIN: stub }) },
  { row: "T12", provider: "vonage", title: "Vonage", endpoint: phone, content: SMS, env: (stub) => ({ VONAGE_ORIGIN: stub }) },
  { row: "T12", provider: "sendgrid", title: "SendGrid", endpoint: address, content: EMAIL, env: (stub) => ({ SENDGRID_ORIGIN: stub }) },
  { row: "T12", provider: "mandrill", title: "Mandrill", endpoint: address, content: EMAIL, env: (stub) => ({ MANDRILL_ORIGIN: stub }) },
];

/** What does a send cost in each provider's code, compared with the same request by undici alone (web push: with its encryption alone)? */
export async function measureProviders(say: Limits["say"], subjects = SUBJECTS): Promise<Figure[]> {
  await using stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "carillon-bench-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  // Its credentials, subscriptions and FCM's access tokens; the sends go to the stub.
  const sandbox = stack.use(await startSandbox({ directory }));
  const stub = stack.use(
    startProgram(["bench/programs/provider-stub.ts", join(directory, "server.pem"), join(directory, "server-key.pem")]),
  );
  const figures: Figure[] = [];
  for (const subject of subjects) figures.push(...figuresOf(await measureProvider(subject, { sandbox, stub }, say), subject.row));
  return figures;
}

async function measureProvider(
  { provider, title, endpoint, content, env }: Subject,
  { sandbox, stub }: { sandbox: Sandbox; stub: Program },
  say: Limits["say"],
): Promise<Section> {
  await using stack = new AsyncDisposableStack();
  const { origin } = await stub.ask<StubState>();
  const to = endpoint(origin, sandbox);
  const given = [provider, JSON.stringify(to), JSON.stringify(content)];
  const ours = stack.use(startProgram(["bench/programs/provider-sends.ts", ...given], { ...sandbox.env, ...env(origin) }));
  await ours.ask({ sends: 1 });
  const { last } = await stub.ask<StubState>();
  const encrypts = to.channel === "webpush";
  const bare = stack.use(
    encrypts
      ? startProgram([
          "bench/programs/web-push-encryption.ts",
          to.p256dh,
          to.auth,
          webPushPlaintext(push, { ids: IDS, mark: DELIVERY, origin: undefined }),
        ])
      : startProgram(["bench/programs/bare-sends.ts", origin, sandbox.env.PROVIDER_CA_FILE ?? "", JSON.stringify(last)]),
  );
  for (const program of [bare, ours]) await program.ask({ sends: WARM_UP_SENDS });
  const alone = encrypts ? "its encryption alone" : "undici alone";
  const side = (name: string, program: Program, requestsEach: 0 | 1): Side => ({
    name,
    processes: { client: program.pid },
    instruments: { stub: stub.pid },
    async run(items) {
      const before = (await stub.ask<StubState>()).taken;
      const { ms } = await program.ask<{ ms: number }>({ sends: items });
      const arrived = (await stub.ask<StubState>()).taken - before;
      if (arrived !== items * requestsEach) throw new Error(`${name}: ${items} sends, of which ${arrived} arrived`);
      return { items, ms };
    },
  });
  return await measure(
    `Sending through ${title}, compared with ${alone}`,
    [side(alone, bare, encrypts ? 0 : 1), side(title, ours, 1)],
    [{ what: `CPU of a send, ${title} / ${alone}`, over: cpu(title), under: cpu(alone) }],
    comparisonLimits(say),
  );
}
