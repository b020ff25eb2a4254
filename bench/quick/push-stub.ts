import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCertificate } from "../../sandbox/kit/certificate.ts";
import { makeP256Pem } from "../../sandbox/kit/keys.ts";
import { type ArrivalsReport, type Arrived, readArrivals, type Watch } from "../load/arrivals.ts";
import { startProgram } from "../program.ts";
import type { StubQuestion } from "../programs/push-stub.ts";
import type { World } from "../world.ts";

/** A stub of APNs in a process that only counts. */
export interface PushStub extends AsyncDisposable {
  readonly pid: number;
  readonly origin: string;
  readonly caFile: string;
  /** PEM, what a client of apns2 signs with. */
  readonly keyFile: string;
  /** Pushes answered so far. */
  taken(): Promise<number>;
  /** From now on the arrivals of these tagged notifications are recorded. */
  watch(watch: Watch): Promise<void>;
  /** What has arrived of what is watched. */
  arrived(): Promise<Arrived>;
  /** Answers every later push after this time, in ms; at first at once. */
  answerAfter(delayMs: number): Promise<void>;
}

/** Starts it, and adds the variables of dispatcher-apns to the world's environment. */
export async function startPushStub(world: World): Promise<PushStub> {
  const directory = join(world.directory, "push-stub");
  mkdirSync(directory);
  const { caFile } = await openCertificate(directory, Date.now());
  const keyFile = join(directory, "apns-key.p8");
  writeFileSync(keyFile, makeP256Pem());
  const program = startProgram(["bench/programs/push-stub.ts", join(directory, "server.pem"), join(directory, "server-key.pem")]);
  const state = (change: StubQuestion = {}) => program.ask<{ origin: string; taken: number }>(change);
  const { origin } = await state();
  Object.assign(world.env, {
    PROVIDER_CA_FILE: caFile,
    APNS_ORIGIN: origin,
    APNS_KEY_FILE: keyFile,
    APNS_KEY_ID: "BENCHKEY01",
    APNS_TEAM_ID: "CARILLON01",
    APNS_TOPIC: "dev.carillon.app",
  });
  return {
    ...{ pid: program.pid, origin, caFile, keyFile },
    taken: async () => (await state()).taken,
    watch: async (watch) => void (await program.ask({ watch } satisfies StubQuestion)),
    arrived: async () => readArrivals(await program.ask<ArrivalsReport>({ report: true } satisfies StubQuestion)),
    answerAfter: async (delayMs) => void (await state({ delayMs })),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
