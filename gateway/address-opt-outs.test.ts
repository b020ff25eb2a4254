import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { endpointId } from "../adapters/ids.ts";
import { openStore } from "../adapters/store/open-store.ts";
import { StoreError } from "../adapters/store/store-error.ts";
import type { Endpoint } from "../core/delivery/endpoint.ts";
import type { OptOutAnswer, OptOutQuestion } from "../core/ports/opt-outs.ts";
import type { Store } from "../core/ports/store.ts";
import { askOwnersToo } from "./address-opt-outs.ts";

const mailbox: Endpoint = { channel: "email", address: "family@example.com" };
const phone: Endpoint = { channel: "sms", phoneNumber: "+4915112345678" };
const to = (endpoint: Endpoint, userId?: string): OptOutQuestion => ({
  ...{ app: "shop", userId, endpoint, channel: endpoint.channel, category: "news", notificationClass: "transactional" },
});

describe("opt-outs of an address that was given outright", () => {
  let store: Store;
  let asked: (string | undefined)[];
  beforeEach(async (t) => {
    store = await openStore("sqlite::memory:");
    if ("after" in t) t.after(() => store[Symbol.asyncDispose]());
    asked = [];
  });
  const register = (userId: string, endpoint: Endpoint, app = "shop") =>
    store.contacts.register({ app, userId, endpointId: endpointId(endpoint), endpoint, registeredAt: 1 });
  const check = async (
    questions: OptOutQuestion[],
    answers: Record<string, OptOutAnswer>,
    contacts: Pick<Store["contacts"], "find"> = store.contacts,
  ) => (await checkAll(questions, answers, contacts)).map(({ answer }) => answer);
  const checkAll = (
    questions: OptOutQuestion[],
    answers: Record<string, OptOutAnswer> = {},
    contacts: Pick<Store["contacts"], "find"> = store.contacts,
  ) => {
    const answerOf = ({ userId }: OptOutQuestion) => {
      asked.push(userId);
      return answers[userId ?? ""] ?? "allowed";
    };
    return askOwnersToo({ check: async (all) => all.map(answerOf) }, contacts).check(questions);
  };

  it("are those of every user who registered it, in the app of the question", async () => {
    for (const userId of ["mum", "kid"]) await register(userId, mailbox);
    await register("ann", phone);
    await register("eve", phone, "bank");
    const questions = [to(phone), to(mailbox), to({ channel: "email", address: "Family@EXAMPLE.com" }), to(mailbox, "kid"), to(phone)];
    assert.deepEqual(await check(questions, { mum: "opted-out", eve: "opted-out" }), [
      "allowed",
      "opted-out",
      "opted-out",
      "allowed",
      "allowed",
    ]);
    assert.deepEqual(asked.sort(), ["ann", "kid", "kid", "kid", "mum", "mum"]);
  });

  it("are asked for once for an address that many notifications go to, and say of how many people", async () => {
    for (let i = 0; i < 100; i++) await register(`user-${i}`, mailbox);
    let found = 0;
    const contacts: Pick<Store["contacts"], "find"> = {
      find(keys) {
        found += keys.length;
        return store.contacts.find(keys);
      },
    };
    const answers = await checkAll([...Array.from({ length: 50 }, () => to(mailbox)), to(phone)], {}, contacts);
    assert.deepEqual([asked.length, found], [101, 2]);
    assert.deepEqual([answers[0]?.people, answers[49]?.people, answers[50]?.people], [100, 100, 1]);
    await checkAll([to(mailbox), { ...to(mailbox), category: "receipts" }]);
    assert.equal(asked.length, 301, "each category by itself");
  });

  it("are the endpoint's alone where nobody registered it", async () => {
    assert.deepEqual(await check([to(phone), to(mailbox)], { "": "opted-out" }), ["opted-out", "opted-out"]);
    assert.deepEqual(asked, [undefined, undefined]);
  });

  it("are unknown where one user's cannot be read, and where nobody can tell whose it is", async () => {
    for (const userId of ["mum", "kid"]) await register(userId, mailbox);
    assert.deepEqual(await check([to(mailbox)], { kid: "unknown" }), ["unknown"]);
    const failing = { find: () => Promise.reject(new StoreError("made up")) };
    assert.deepEqual(await check([to(mailbox), to(phone, "ann")], {}, failing), ["unknown", "allowed"]);
    assert.deepEqual(await check([to(mailbox)], { "": "opted-out" }, failing), ["opted-out"]);
  });
});
