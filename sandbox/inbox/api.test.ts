import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ATTEMPT, DELIVERY, http1, startTestSandbox } from "../../test/support/raw-client.ts";
import { sendMessage } from "../../test/support/webhook-sends.ts";
import type { LedgerEntry } from "../kit/ledger.ts";
import { PROVIDER_NAMES } from "../list.ts";
import type { Sandbox } from "../main.ts";
import { INBOX_BYTES_MAX, INBOX_MESSAGES_MAX } from "./messages.ts";
import type { FaultsView, Message, MessageList, Timeline } from "./view.ts";

let sandbox: Sandbox;
before(async () => {
  sandbox = await startTestSandbox();
});
after(() => sandbox[Symbol.asyncDispose]());
beforeEach(() => remove(""));

const ask = async (path: string, method = "GET", headers: Record<string, string> = {}) => {
  const { status, json, headers: answered, text } = await http1(sandbox, `${sandbox.adminUrl}${path}`, { method, headers });
  return { status, json, headers: answered, text };
};
const remove = (query: string) => ask(`/inbox/api/messages${query}`, "DELETE");
const messages = async (query: string) => ((await ask(`/inbox/api/messages${query}`)).json as { messages: Message[] }).messages;
const list = async (query = "") => (await ask(`/inbox/api/list${query}`)).json as MessageList;

const entry = (about: Partial<LedgerEntry> = {}): LedgerEntry => ({
  ...{ provider: "twilio", deliveryId: DELIVERY, attemptId: ATTEMPT, recipient: "+15550100101", accepted: true, answer: "201" },
  ...{
    receivedAt: Date.now(),
    payload: { To: "+15550100101", From: "+15005550006", Body: "482913 is your code." },
    headers: {},
    bytes: 100,
  },
  ...about,
});
const mailEntry = (to: string, about: Partial<LedgerEntry> = {}) =>
  entry({
    ...{ provider: "sendgrid", recipient: to, answer: "202" },
    payload: {
      personalizations: [{ to: [{ email: to }], headers: { "X-Order": "1000" } }],
      from: { email: "orders@example.com", name: "Juniper Books" },
      ...{ subject: "Your receipt", content: [{ type: "text/html", value: "<style>p{}</style><p>Thank <b>you</b>, Ada.</p>" }] },
    },
    ...about,
  });

test("a wait ends with the message to that recipient, as soon as it arrives", async () => {
  const waiting = messages("?to=ada@example.com&channel=email&wait=60s");
  const others = messages("?to=bela@example.com&wait=300ms");
  sandbox.ledger.add(entry());
  sandbox.ledger.add(mailEntry("ada@example.com"));
  const [mail, ...more] = await waiting;
  assert.deepEqual(more, []);
  assert.deepEqual(
    [mail?.to, mail?.title, mail?.body, mail?.from],
    ["ada@example.com", "Your receipt", "Thank you , Ada.", "Juniper Books <orders@example.com>"],
  );
  assert.match(mail?.html ?? "", /<b>you<\/b>/);
  assert.deepEqual(await others, []);
});

test("what arrived before answers at once; `after` waits for the next one", async () => {
  sandbox.ledger.add(entry());
  const [first] = await messages("?to=%2B15550100101&wait=60s");
  const next = messages(`?to=%2B15550100101&after=${first?.id}&wait=60s`);
  sandbox.ledger.add(entry({ payload: { Body: "111222 is your code." } }));
  assert.deepEqual(
    (await next).map(({ text }) => text),
    ["111222 is your code."],
  );
});

test("a caller that leaves waits no longer: its place is free", async () => {
  const leaving = Array.from({ length: 100 }, () => {
    const gone = new AbortController();
    const asked = fetch(`${sandbox.adminUrl}/inbox/api/messages?to=nobody@example.com&wait=60s`, { signal: gone.signal });
    return {
      gone,
      asked: asked.then(
        ({ status }) => status,
        () => "left",
      ),
    };
  });
  await settledAt(100);
  assert.match((await ask("/inbox/api/messages?wait=60s&to=x")).text, /100 requests wait already/);
  for (const { gone } of leaving) gone.abort();
  await Promise.all(leaving.map(({ asked }) => asked));
  await settledAt(0);
  assert.deepEqual(await messages("?to=nobody@example.com&wait=1ms"), []);
});
/** Until so many requests wait: one more is refused where it is 100, and taken where it is less. */
async function settledAt(count: number): Promise<void> {
  for (;;) {
    const { status } = await ask("/inbox/api/messages?to=nobody@example.com&wait=1ms");
    if ((status === 400) === (count === 100)) return;
    await delay(10);
  }
}

test("words, recipient, channel and acceptance are filters; counts are of what matches", async () => {
  sandbox.ledger.add(entry());
  sandbox.ledger.add(mailEntry("ada@example.com"));
  sandbox.ledger.add(mailEntry("bela@example.com", { accepted: false, answer: "503 ordered" }));
  const found = await list("?q=receipt%20ADA&limit=1");
  assert.deepEqual([found.counts, found.messages.length], [{ all: 2, push: 0, sms: 0, email: 2 }, 1]);
  assert.deepEqual([found.arrived, found.rejected], [2, 1]);
  assert.deepEqual(
    (await list("?channel=sms")).messages.map(({ to }) => to),
    ["+15550100101"],
  );
  assert.deepEqual(
    (await messages("?accepted=false")).map(({ answer }) => answer),
    ["503 ordered"],
  );
  assert.deepEqual((await list(`?q=${DELIVERY}`)).counts.all, 3);
});

test("DELETE removes what matches, or everything with its counts", async () => {
  sandbox.ledger.add(entry());
  sandbox.ledger.add(mailEntry("ada@example.com"));
  assert.equal((await remove("?to=ada@example.com")).status, 204);
  assert.deepEqual(
    (await list()).messages.map(({ channel }) => channel),
    ["sms"],
  );
  assert.equal((await list("?channel=email")).kept, 1, "what is offered to be cleared is what is left");
  await remove("");
  const { arrived, rejected, kept, counts } = await list();
  assert.deepEqual([arrived, rejected, kept, counts.all], [0, 0, 0, 0]);
  assert.equal(sandbox.ledger.entries({ provider: "sendgrid" }).length > 0, true, "the ledger keeps them");
});

const WRONG: readonly [query: string, says: RegExp][] = [
  ["?channel=fax", /channel is one of push, sms, email/],
  ["?wait=2m", /wait is a duration such as 30s/],
  ["?wait=61s", /at most 60s/],
  ["?limit=0", /limit is an integer from 1 to 200/],
  ["?accepted=yes", /accepted is true or false/],
  ["?after=-1", /after is an integer from 0/],
  [`?q=${"x".repeat(201)}`, /q has at most 200 characters, not 201/],
  ["?adress=ada", /no parameter of this name; known are to, channel, q, after, accepted, limit, wait/],
];
for (const [query, says] of WRONG)
  test(`says what is wrong with ${query.slice(0, 20)}`, async () => {
    const { status, text } = await ask(`/inbox/api/messages${query}`);
    assert.equal(status, 400);
    assert.match(text, says);
  });

test("keeps the newest messages, by count and by bytes, and says how many it dropped", async () => {
  for (let n = 0; n <= INBOX_MESSAGES_MAX; n++) sandbox.ledger.add(entry({ recipient: `+1555${n}` }));
  assert.equal((await list("?limit=1")).counts.all, INBOX_MESSAGES_MAX);
  const droppedBefore = (await list()).dropped;
  assert.equal(droppedBefore, 1);
  const large = Math.ceil(INBOX_BYTES_MAX / 2);
  for (const to of ["a", "b", "c"]) sandbox.ledger.add(mailEntry(`${to}@example.com`, { bytes: large }));
  assert.deepEqual(
    (await list()).messages.map(({ to }) => to),
    ["c@example.com"],
    "two such mails and their overhead are too many",
  );
});

const KOREAN =
  "[주니퍼 서점] 서하나 님의 인증번호는 482987입니다. 5분 안에 입력해 주세요. 본인이 요청하지 않았다면 이 문자를 무시하셔도 됩니다.";
const TEXTS: readonly [text: string, segments: number, encoding: string, units: number, perSegment: number][] = [
  ["482913 is your code. It is good for 5 minutes.", 1, "GSM-7", 46, 160],
  ["€".repeat(80), 1, "GSM-7", 160, 160],
  ["a".repeat(161), 2, "GSM-7", 161, 153],
  [KOREAN, 2, "UCS-2", KOREAN.length, 67],
  ["👋".repeat(35), 1, "UCS-2", 70, 70],
];
for (const [text, segments, encoding, units, perSegment] of TEXTS)
  test(`a text of ${units} units is ${segments} of ${encoding}`, async () => {
    sandbox.ledger.add(entry({ payload: { Body: text } }));
    const [message] = await messages("");
    assert.deepEqual(message?.sms, { segments, encoding, units, perSegment, pictures: 0 });
  });

test("without a sender to ask, the timeline is what the sandbox saw: arrival and receipts", async () => {
  const received = await startTestSandbox();
  await using target = received;
  sandbox.webhooks.target(`${target.adminUrl}/sink`);
  await sendMessage(sandbox, "sendgrid", { attemptId: ATTEMPT, target: "" });
  await sandbox.webhooks.settled();
  const [message] = await messages("?channel=email");
  const timeline = (await ask(`/inbox/api/messages/${message?.id}/timeline`)).json as Timeline;
  assert.equal(timeline.sender, "not-connected");
  assert.deepEqual(
    timeline.events.map(({ title }) => title),
    ["Receipt sent: delivered", "Receipt sent: accepted", "Arrived at SendGrid"],
  );
  sandbox.webhooks.target(undefined);
});

test("a sender that does not know it, or fails, is said so", async () => {
  sandbox.ledger.add(entry());
  const [message] = await messages("");
  const ofSender = async () => ((await ask(`/inbox/api/messages/${message?.id}/timeline`)).json as Timeline).sender;
  sandbox.inbox.connect({ history: async () => undefined, preferencePage: async () => undefined });
  assert.equal(await ofSender(), "unknown");
  sandbox.inbox.connect({ history: () => Promise.reject(new Error("down")), preferencePage: async () => undefined });
  assert.equal(await ofSender(), "failed");
  sandbox.inbox.connect(undefined);
});

test("a mail's frame may do nothing, and shows the pictures that the mail brings along", async () => {
  const html = `<link rel="stylesheet" href="https://x.example/a.css"><base href="https://x.example/"><p>Hi</p><img src="cid:logo"><img src="https://x.example/p.png"><div style="background:url(//x.example/b.png)">`;
  sandbox.ledger.add(
    mailEntry("ada@example.com", {
      payload: {
        personalizations: [{ to: [{ email: "ada@example.com" }] }],
        content: [{ type: "text/html", value: html }],
        attachments: [{ filename: "logo.png", type: "image/png", disposition: "inline", content_id: "logo", content: "aGVsbG8=" }],
      },
    }),
  );
  const [message] = await messages("");
  assert.equal(message?.remote, 3);
  assert.deepEqual(message?.attachments, [{ filename: "logo.png", type: "image/png", inline: true, bytes: 5 }]);
  const frame = await ask(`/inbox/api/messages/${message?.id}/mail`);
  assert.match(frame.headers["content-security-policy"] ?? "", /^sandbox; default-src 'none'; /);
  assert.match(frame.text, /<p>Hi<\/p><img src="data:image\/png;base64,aGVsbG8=">/);
  assert.doesNotMatch(frame.text, /<link|<base/);
});

test("pages of other sites reach neither the inbox nor the rest of the admin port", async () => {
  for (const path of ["/inbox", "/inbox/api/messages", "/ledger", "/faults"]) {
    assert.equal((await ask(path, "GET", { host: "evil.example" })).status, 403, path);
    assert.equal((await ask(path, "GET", { origin: "https://evil.example" })).status, 403, path);
  }
  assert.equal((await ask("/faults", "POST", { origin: "null" })).status, 403);
  assert.equal((await ask("/inbox/api/messages", "DELETE", { origin: new URL(sandbox.adminUrl).origin })).status, 204);
});

test("credentials are not shown in the raw request", async () => {
  await sendMessage(sandbox, "sendgrid", { attemptId: ATTEMPT, target: "", recipient: "carol@example.com" });
  const [message] = await messages("?to=carol@example.com");
  assert.match(message?.raw ?? "", /^POST \/v3\/mail\/send\n/);
  assert.match(message?.raw ?? "", /authorization: Bearer sha256:[0-9a-f]{16}\n/);
});

test("every provider can be read, and has faults that can be ordered as they are offered", async () => {
  const { providers } = (await ask("/inbox/api/faults")).json as FaultsView;
  assert.deepEqual(providers.map(({ name }) => name).toSorted(), [...PROVIDER_NAMES].toSorted());
  for (const { name, buttons } of providers) {
    assert.ok(buttons.length >= 3, name);
    for (const { order } of buttons) assert.equal(sandbox.faults.mistakeIn({ ...order, times: 3 }), undefined, name);
  }
});

/** Imports of a script, and what a page's head names. */
const LOADED = /(?:(?:^|[;}\n])\s*(?:import|export)\b(?:[\w\s{},*$]*\bfrom\b)?\s*|<(?:script|link)\b[^>]*?(?:src|href)=)"([^"]+)"/g;
test("the page and everything that it loads are served, and nothing is loaded from elsewhere", async () => {
  const open = ["/inbox"];
  const seen = new Set<string>();
  for (const path of open) {
    if (seen.has(path)) continue;
    seen.add(path);
    const { status, text, headers } = await ask(path);
    assert.equal(status, 200, `${path}: ${text.slice(0, 200)}`);
    assert.match(headers["content-security-policy"] ?? "", /^default-src 'self'; /);
    for (const [, name = ""] of text.matchAll(LOADED)) {
      const { host, pathname } = new URL(name, `http://inbox${path}`);
      assert.equal(host, "inbox", `${path} loads ${name}`);
      open.push(pathname);
    }
  }
  for (const path of ["/inbox/client/main.ts", "/web/client/live.ts", "/web/packages/preact-hooks.js", "/web/styles/components.css"])
    assert.ok(seen.has(path), path);
});
