import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { decodeTask, encodeTask } from "../adapters/nats/task-codec.ts";
import { contentToProto } from "../core/content/content.ts";
import type { EmailContent } from "../core/content/email-content.ts";
import { taskMessageId } from "../core/delivery/subjects.ts";
import { toTask } from "../core/delivery/task.ts";
import type { OptOutQuestion } from "../core/ports/opt-outs.ts";
import { Copy, type Notification } from "../gen/carillon/v1/notification_service.ts";
import { type AcceptWorld, createAcceptWorld, smsMessage } from "../test/support/accept-world.ts";
import { toAccepted } from "./answer.ts";

let world: AcceptWorld;
beforeEach(async (t) => {
  world = await createAcceptWorld();
  if ("after" in t) t.after(() => world.store[Symbol.asyncDispose]());
});

const mail = (key: string, email: Partial<EmailContent>, over: Partial<Notification> = {}): Notification => ({
  ...smsMessage(key),
  content: contentToProto({ email: { subject: "s", html: "<p>h</p>", text: "", ...email } }),
  recipient: { to: { $case: "endpoint", value: { address: { $case: "emailAddress", value: "ann@example.org" } } } },
  ...over,
});
const toUser: Partial<Notification> = { recipient: { to: { $case: "userId", value: "u" } } };
const at = (address: string) => ({ address });

async function accepted(message: Notification, setting: Parameters<AcceptWorld["setUp"]>[0] = {}) {
  const [result] = await world.setUp(setting).send(message);
  assert.ok(result?.kind === "accepted", JSON.stringify(result));
  return result.record;
}
const register = (userId: string, address: string) => {
  const endpoint = { channel: "email", address } as const;
  return world.store.contacts.register({ app: "app", userId, endpointId: endpointId(endpoint), endpoint, registeredAt: 1 });
};

test("each address of cc and bcc gets a delivery of its own, in its canonical form, one that occurs twice gets one", async () => {
  const record = await accepted(
    mail("k", {
      cc: [at("bob@EXAMPLE.org"), at("Ann@example.org"), at("bob@example.org")],
      bcc: [at("bob@example.org"), at("log@bücher.example")],
    }),
  );
  assert.deepEqual(
    record.deliveries.map(({ endpoint, copy, state }) => [endpoint?.channel === "email" && endpoint.address, copy, state]),
    [
      ["ann@example.org", undefined, "pending"],
      ["bob@example.org", "cc", "pending"],
      ["log@xn--bcher-kva.example", "bcc", "pending"],
    ],
  );
  assert.deepEqual(
    toAccepted(record, false).deliveries.map(({ copy }) => copy),
    [Copy.COPY_UNSPECIFIED, Copy.COPY_CC, Copy.COPY_BCC],
  );
});

test("a copy obeys the opt-outs of those who registered its address, and not of the recipient", async () => {
  await register("u", "ann@example.org");
  await register("bob", "bob@example.org");
  const asked: OptOutQuestion[] = [];
  const optOuts = {
    check: async (questions: readonly OptOutQuestion[]) => {
      asked.push(...questions);
      return questions.map(({ userId }) => (userId === "bob" ? ("opted-out" as const) : ("allowed" as const)));
    },
  };
  const { deliveries } = await accepted(mail("k", { cc: [at("bob@example.org"), at("eve@example.org")] }, toUser), { optOuts });
  assert.deepEqual(
    deliveries.map(({ state, reason }) => [state, reason?.code]),
    [
      ["pending", undefined],
      ["suppressed", "opted-out"],
      ["pending", undefined],
    ],
  );
  assert.deepEqual(asked.map(({ userId }) => userId).toSorted(), ["bob", "u", undefined]);
});

test("the task of a copy names no user, and shows the recipient's addresses", async () => {
  await register("u", "ann@example.org");
  await register("u", "ann@work.example");
  const record = await accepted(mail("k", { bcc: [at("log@example.org")] }, toUser));
  const tasks = record.deliveries.map((delivery) => {
    const task = toTask(record, delivery);
    return decodeTask(encodeTask(task), taskMessageId(task.deliveryId, task.attempt, task.publication));
  });
  const shown = tasks.map((task) => [task?.userId, task?.shownTo?.toSorted(), task?.needs]);
  assert.deepEqual(shown, [
    ["u", undefined, ["rich-email"]],
    ["u", undefined, ["rich-email"]],
    [undefined, ["ann@example.org", "ann@work.example"], ["rich-email"]],
  ]);
});

test("where the recipient has no e-mail address there is no mail to copy", async () => {
  const { deliveries } = await accepted(mail("k", { cc: [at("bob@example.org")] }, { ...toUser, channels: [5] }));
  assert.deepEqual(
    deliveries.map(({ state, reason, copy }) => [state, reason?.code, copy]),
    [["suppressed", "no-endpoint", undefined]],
  );
});

test("an address that is none is told with its field before acceptance", async () => {
  const [result] = await world.setUp().send(mail("k", { cc: [at("bob@example.org"), at("nobody")] }));
  assert.ok(result?.kind === "rejected");
  assert.deepEqual(
    [result.error.code, result.error.fields?.[0]?.field],
    ["INVALID_ARGUMENT", "notifications[0].content.email.cc[1].address"],
  );
});
