import assert from "node:assert/strict";
import { test } from "node:test";
import { contentToProto } from "../core/content/content.ts";
import { Channel } from "../gen/carillon/v1/channel.ts";
import { createAcceptWorld, smsMessage } from "../test/support/accept-world.ts";

const content = contentToProto({ sms: { text: "hello" }, email: { subject: "s", text: "t", html: "" } });
const user = { recipient: { to: { $case: "userId", value: "ada" } } } as const;

test("a channel without a dispatcher is rejected where it is named, by channel or by endpoint, and nothing is stored", async () => {
  const { setUp, store, storedCount } = await createAcceptWorld();
  await using _ = store;
  const { send } = setUp({ channelsServed: ["email", "apns"] });
  const results = await send(
    smsMessage("endpoint"),
    smsMessage("named", { ...user, content, channels: [Channel.CHANNEL_SMS, Channel.CHANNEL_EMAIL] }),
  );
  for (const result of results) {
    assert.ok(result.kind === "rejected");
    assert.deepEqual([result.error.code, result.error.reason], ["FAILED_PRECONDITION", "CHANNEL_NOT_SERVED"]);
    assert.match(result.error.message, /sends nothing by sms; it serves email, apns/);
  }
  assert.equal(await storedCount(), 0);
});

test("a channel that the caller did not name is left out, and where none is left the notification is rejected", async () => {
  const { setUp, store, clock } = await createAcceptWorld();
  await using _ = store;
  const register = (endpoint: { channel: "sms"; phoneNumber: string } | { channel: "email"; address: string }) =>
    store.contacts.register({
      app: "app",
      userId: "ada",
      endpointId: endpoint.channel.padEnd(32, "0"),
      endpoint,
      registeredAt: clock.now(),
    });
  await register({ channel: "sms", phoneNumber: "+4915112345678" });
  await register({ channel: "email", address: "ada@example.com" });
  const { send } = setUp({ channelsServed: ["email"] });
  const [both, none] = await send(smsMessage("both", { ...user, content }), smsMessage("none", user));
  assert.ok(both?.kind === "accepted");
  assert.deepEqual(
    both.record.deliveries.map(({ channel }) => channel),
    ["email"],
  );
  assert.ok(none?.kind === "rejected" && none.error.reason === "CHANNEL_NOT_SERVED");
});
