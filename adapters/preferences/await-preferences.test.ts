import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { after, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import { PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { createPreferenceHandlers } from "../../preferences/preference-handlers.ts";
import { systemClock } from "../../runtime/clock.ts";
import { authenticateInternal } from "../../runtime/grpc/internal-call.ts";
import { serveHandlers } from "../../runtime/grpc/serve-handlers.ts";
import { startGrpcServer } from "../../runtime/grpc/server.ts";
import { createLogger } from "../../runtime/logger.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { eventually } from "../../test/support/eventually.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createPreferences } from "../opt-outs/preferences.ts";
import { openStore } from "../store/open-store.ts";
import { awaitPreferences, PREFERENCES_WAIT_MS } from "./await-preferences.ts";
import { createOptOutsClient, type Probe } from "./opt-outs-client.ts";

const TOKEN = "internal-token";
const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const silent = createLogger("test", "silent");

async function serve(address = "127.0.0.1:0"): Promise<string> {
  const store = stack.use(await openStore("sqlite::memory:"));
  const preferences = stack.use(
    createPreferences({
      store: store.preferences,
      apps: store.apps,
      profiles: store.profiles,
      redis: undefined,
      clock: systemClock,
      log: silent,
    }),
  );
  const calls = { log: silent, authenticate: authenticateInternal(() => [TOKEN]) };
  const services = [serveHandlers(PreferenceServiceService, createPreferenceHandlers(preferences), calls)];
  return stack.use(await startGrpcServer({ address, services, reflection: false, log: silent, drainMs: 100 })).address;
}

/** What a role sees at its start, and what it logs. */
function starting(address: string, token = TOKEN, clock = createFakeClock()) {
  const lines: string[] = [];
  const log = createLogger("test", "info", { write: (line) => void lines.push(line) });
  const client = stack.use(createOptOutsClient({ address, tokens: () => [token], log }));
  const started = awaitPreferences(client, { address, clock, log, signal: new AbortController().signal });
  started.catch(() => undefined);
  return { started, clock, lines };
}
const saying =
  (...words: RegExp[]) =>
  (error: unknown) =>
    error instanceof OperatorError && words.every((word) => word.test(error.message));

test("a role starts where the preferences service answers, whatever its store does", async () => {
  await starting(await serve()).started;
});

test("a wrong token ends the start at once, with what to do, and without the token", async () => {
  const address = await serve();
  const { started } = starting(address, "another-token");
  await assert.rejects(started, saying(/INTERNAL_TOKEN_FILE/, new RegExp(address)));
  await assert.rejects(started, (error: Error) => !error.message.includes("another-token"));
});

test("another gRPC service at the address ends the start at once", async () => {
  const other = stack.use(await startGrpcServer({ address: "127.0.0.1:0", services: [], reflection: false, log: silent, drainMs: 100 }));
  await assert.rejects(starting(other.address).started, saying(/another service/, /PREFERENCES_ADDRESS/));
});

test("an address where nothing listens ends the start after the wait, and is logged once", async () => {
  const { started, clock, lines } = starting("127.0.0.1:1");
  await eventually("it waits", () => lines.length === 1);
  const ends = started.then(
    () => "started",
    (error: unknown) => error,
  );
  let ended: unknown;
  void ends.then((how) => {
    ended = how;
  });
  await eventually("it ends", () => {
    clock.advance(PREFERENCES_WAIT_MS / 10);
    return ended !== undefined;
  });
  assert.ok(saying(/127\.0\.0\.1:1 within/, /ECONNREFUSED/, /PREFERENCES_ADDRESS/)(ended), `${ended}`);
  assert.equal(lines.length, 1);
});

test("the error names the last fault that says more than a status", async () => {
  const faults = ["DEADLINE_EXCEEDED", "connect ECONNREFUSED", "self-signed certificate", "DEADLINE_EXCEEDED", "UNAVAILABLE"];
  const probe = async (): Promise<Probe> => ({ kind: "fails", code: status.UNAVAILABLE, fault: faults.shift() ?? "UNAVAILABLE" });
  const clock = createFakeClock();
  const waits = { ...clock, sleep: async (ms: number) => clock.advance(ms) };
  const signal = new AbortController().signal;
  await assert.rejects(
    awaitPreferences({ probe }, { address: "preferences:7710", clock: waits, log: silent, signal }),
    saying(/\(self-signed certificate\)/),
  );
});

test("a service that does not speak gRPC, and one that only accepts connections, count as unreachable", async () => {
  for (const greeting of ["HTTP/1.1 400 Bad Request\r\n\r\n", ""]) {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket.on("error", () => undefined));
      socket.write(greeting);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = createOptOutsClient({ address, tokens: () => [TOKEN], log: silent });
    const found = await client.probe();
    client[Symbol.dispose]();
    server.close();
    for (const socket of sockets) socket.destroy();
    assert.equal(found.kind, "fails");
  }
});

test("a preferences service that comes up meanwhile is waited for", async () => {
  const placeholder = createServer().listen(0, "127.0.0.1");
  await once(placeholder, "listening");
  const { port } = placeholder.address() as AddressInfo;
  placeholder.close();
  await once(placeholder, "close");
  // A connection that failed is tried again by the real clock: no simulated time passes meanwhile.
  const clock = { ...createFakeClock(), sleep: () => delay(10) };
  const { started, lines } = starting(`127.0.0.1:${port}`, TOKEN, clock);
  await eventually("it waits", () => lines.length === 1);
  await serve(`127.0.0.1:${port}`);
  await started;
});
