// A real nats-server on which one setting after the other is made unsafe.
import assert from "node:assert/strict";
import { after, before, beforeEach } from "node:test";
import { type JetStreamManager, jetstreamManager, type StreamConfig, type StreamInfo } from "@nats-io/jetstream";
import { connectNats, type Nats, natsVariables } from "../../adapters/nats/connect.ts";
import { wantedStream } from "../../adapters/nats/stream-settings.ts";
import { ensureStreams, streamVariables } from "../../adapters/nats/streams.ts";
import { UnsafeSettingError } from "../../adapters/unsafe-setting.ts";
import type { LocalServer } from "../../cli/dev/local-servers.ts";
import { consumerName, streamName } from "../../core/delivery/subjects.ts";
import { readConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/logger.ts";
import { compareVersions, parseVersion, type Version } from "../../runtime/version.ts";
import { addStream } from "./add-stream.ts";
import { startNats } from "./servers.ts";

export const STREAM = streamName("sms");
export const CRITICAL = consumerName("sms", "critical");
export const HOUR_NS = 3_600_000_000_000;

export const lines: string[] = [];
export const log = createLogger("test", "warn", { write: (line) => void lines.push(line) });
export const config = readConfig(streamVariables, {});
let server: LocalServer;
export let nats: Nats;
export let jsm: JetStreamManager;

before(async () => {
  server = await startNats();
  nats = await connectNats(readConfig(natsVariables, { NATS_URL: server.url }), log);
  jsm = await jetstreamManager(nats);
});
after(async () => {
  await nats[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  for await (const { config } of jsm.streams.list()) await jsm.streams.delete(config.name);
});

export const ensure = (env: Record<string, string> = {}) => ensureStreams(nats, readConfig(streamVariables, env), ["sms"]);

/** Why a case cannot be applied to this server; undefined where it can. */
export function tooOld(since: Version | undefined): string | undefined {
  const version = nats.info?.version ?? "";
  return since && compareVersions(parseVersion(version) ?? since, since) < 0
    ? `nats-server ${version} does not know it, ${since.join(".")} is needed`
    : undefined;
}

export async function rejects(says: RegExp, work: Promise<void> = ensure()): Promise<UnsafeSettingError> {
  const error = await work.then(
    () => assert.fail("it was let pass"),
    (e: unknown) => e,
  );
  assert.ok(error instanceof UnsafeSettingError, String(error));
  assert.match(error.message, says);
  assert.ok(error.message.startsWith(`NATS at 127.0.0.1:${server.port}: `), error.message);
  for (const { why, fix } of error.dangers) assert.ok(why.length > 10 && fix.length > 10, error.message);
  return error;
}

/** The wanted settings, except for `over`. */
export const putStream = (over: Partial<StreamConfig>): Promise<StreamInfo> =>
  addStream(jsm, Object.assign({ ...wantedStream("sms", config) }, over));
