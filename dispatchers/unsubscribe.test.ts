import assert from "node:assert/strict";
import { test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { createServedApps } from "../adapters/store/served-apps.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { AppRecord } from "../core/apps/app.ts";
import type { EmailContent } from "../core/content/email-content.ts";
import type { DeliveryTask } from "../core/ports/queue.ts";
import type { Category } from "../core/preferences/category.ts";
import type { UnsubscribeClaim } from "../core/preferences/unsubscribe-token.ts";
import { createLogger } from "../runtime/logger.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { createFakeClock } from "../test/support/fake-clock.ts";
import { sampleApp } from "../test/support/store/samples.ts";
import { CONTENT_UNREADABLE_WAIT_MS } from "./content-loader.ts";
import { createDispatchMetrics } from "./metrics.ts";
import { createUnsubscribe } from "./unsubscribe.ts";

const BASE = "https://hooks.example.com/in";
const address = { channel: "email", address: "ann@example.com" } as const;
const mail: EmailContent = { subject: "s", html: "", text: "t" };

function task(over: Partial<DeliveryTask> = {}, email: Partial<EmailContent> = {}): DeliveryTask {
  return {
    ...{ notificationId: "0123456789abcdef0123456789abcdef", deliveryId: "0123456789abcdef0123456789abcdef-0", attempt: 1, publication: 0 },
    ...{ app: "shop", userId: "ann", channel: "email", endpoint: address, endpointId: endpointId(address), category: "orders" },
    ...{ notificationClass: "marketing", priority: "normal", collapseKey: undefined, expiresAt: 2_000_000_000_000 },
    ...{ content: { email: { ...mail, ...email } }, policyResend: false, runStart: 1, redrive: undefined, statusQuery: false },
    ...{ needs: [], traceparent: undefined },
    ...over,
  };
}

function setUp({ categories, isOn = true, down = false }: { categories?: Category[]; isOn?: boolean; down?: boolean } = {}) {
  const clock = createFakeClock();
  const lines: string[] = [];
  const claims: UnsubscribeClaim[] = [];
  const sent: DeliveryTask[] = [];
  let reads = 0;
  const find = async (): Promise<AppRecord> => {
    reads += 1;
    if (down) throw new StoreError("down");
    return sampleApp({ categories });
  };
  const metrics = createDispatchMetrics(createMetrics("test"));
  const appOf = createServedApps({ find }, clock);
  const dispatch = createUnsubscribe(
    async (one) => {
      sent.push(one);
      return { kind: "ack" };
    },
    {
      ...{ channel: "email", clock, metrics, appOf, base: BASE },
      log: createLogger("test", "info", { write: (line) => void lines.push(line) }),
      links: {
        isOn: () => isOn,
        urlOf(claim, base) {
          claims.push(claim);
          return `${base}/u/${claims.length}`;
        },
      },
    },
  );
  const without = async () => (await metrics.withoutUnsubscribe.get()).values.map(({ labels, value }) => [labels.class, value]);
  return { dispatch, sent, claims, lines, without, clock, appOf, reads: () => reads };
}

test("a user's mail has a link about the user, and the store is not read for it", async () => {
  const { dispatch, sent, claims, clock, reads } = setUp();
  await dispatch(task(), "h");
  assert.equal(sent[0]?.unsubscribeUrl, `${BASE}/u/1`);
  const of = { app: "shop", subject: "user:ann", channel: "email", category: "orders", notificationId: task().notificationId };
  assert.deepEqual(claims, [{ ...of, issuedAt: clock.now() }]);
  assert.equal(reads(), 0);
});

test("a mail to an address, as each copy is one, has a link about that address alone", async () => {
  const { dispatch, claims } = setUp();
  const copy = { channel: "email", address: "Boss@example.com" } as const;
  await dispatch(task({ userId: undefined }), "h");
  await dispatch(task({ userId: undefined, endpoint: copy, endpointId: endpointId(copy), shownTo: ["ann@example.com"] }), "h");
  assert.deepEqual(
    claims.map(({ subject }) => subject),
    [`endpoint:${endpointId(address)}`, `endpoint:${endpointId(copy)}`],
  );
});

const orders = (over: Partial<Category>): Category => ({ name: "orders", labels: {}, default: "opted-in", ...over });
const TRANSACTIONAL: readonly (readonly [what: string, categories: Category[] | undefined, email: Partial<EmailContent>, has: boolean])[] =
  [
    ["none was put", undefined, {}, false],
    ["its category does not say so", [orders({})], {}, false],
    ["its category says so", [orders({ unsubscribeTransactional: true })], {}, true],
    ["the mail says no", [orders({ unsubscribeTransactional: true })], { unsubscribe: "none" }, false],
    ["the mail says yes", undefined, { unsubscribe: "one-click" }, true],
    ["its category is required", [orders({ unsubscribeTransactional: true, default: "required" })], {}, false],
  ];
for (const [what, categories, email, has] of TRANSACTIONAL)
  test(`a transactional mail has ${has ? "a link" : "none"} where ${what}`, async () => {
    const { dispatch, sent } = setUp({ ...(categories && { categories }) });
    await dispatch(task({ notificationClass: "transactional" }, email), "h");
    assert.equal(sent[0]?.unsubscribeUrl !== undefined, has);
  });

test("what is known of the app for its accounts and caps is not read a second time for links", async () => {
  const { dispatch, sent, appOf, reads } = setUp({ categories: [orders({ unsubscribeTransactional: true })] });
  await appOf("shop");
  await dispatch(task({ notificationClass: "transactional" }), "h");
  assert.deepEqual([sent[0]?.unsubscribeUrl !== undefined, reads()], [true, 1]);
});

test("a critical mail has none", async () => {
  const { dispatch, sent } = setUp({ categories: [orders({ unsubscribeTransactional: true })] });
  await dispatch(task({ notificationClass: "critical" }), "h");
  assert.equal(sent[0]?.unsubscribeUrl, undefined);
});

test("a transactional mail returns to the queue while the categories cannot be read, and others are sent", async () => {
  const { dispatch, sent } = setUp({ down: true });
  assert.deepEqual(await dispatch(task({ notificationClass: "transactional" }), "h"), { kind: "nak", delayMs: CONTENT_UNREADABLE_WAIT_MS });
  assert.deepEqual(sent, []);
  for (const notificationClass of ["marketing", "critical"] as const) await dispatch(task({ notificationClass }), "h");
  assert.equal(sent.length, 2);
});

test("without keys a mail is sent without a link, which is counted, and said at the start", async () => {
  const { dispatch, sent, without, lines } = setUp({ isOn: false });
  await dispatch(task(), "h");
  await dispatch(task({ notificationClass: "critical" }), "h");
  await dispatch(task({}, { headers: { "list-unsubscribe": "<https://shop.example/u/1>" } }), "h");
  assert.deepEqual([sent.length, sent[0]?.unsubscribeUrl], [3, undefined]);
  assert.deepEqual(await without(), [["marketing", 1]]);
  assert.match(lines.join(""), /UNSUBSCRIBE_KEYS_FILE is not set/);
});

test("a status query needs no link", async () => {
  const { dispatch, sent, claims } = setUp();
  await dispatch(task({ statusQuery: true }), "h");
  assert.deepEqual([sent.length, claims.length], [1, 0]);
});
