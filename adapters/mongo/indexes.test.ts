import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startScriptedMongo } from "../../test/support/scripted-mongo.ts";
import { UnsafeSettingError } from "../unsafe-setting.ts";
import { openMongoStore } from "./open.ts";

/** The createIndexes commands of a start. The server keeps no index, which ends the start. */
async function created(hello: { setName?: string }) {
  await using server = await startScriptedMongo(hello);
  await assert.rejects(openMongoStore(server.uri, { standalone: "allowed" }), UnsafeSettingError);
  const commands = server.commands.filter((command) => "createIndexes" in command);
  assert.ok(commands.length > 0);
  return commands;
}

describe("an index", () => {
  it("is made once a majority of a replica set has it, also while a member is away", async () => {
    for (const { commitQuorum, createIndexes } of await created({ setName: "rs0" })) assert.equal(commitQuorum, "majority", createIndexes);
  });

  it("is made without a quorum on a standalone server, which knows none", async () => {
    for (const { commitQuorum } of await created({})) assert.equal(commitQuorum, undefined);
  });
});
