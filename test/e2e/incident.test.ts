// The incident of docs/incident.md, solved by commands alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { quoted } from "../../cli/dev/exports.ts";
import { startIncident } from "../support/incident.ts";
import { assertShown, createSteps } from "../support/steps.ts";
import { runCli } from "./cli-process.ts";

const REASONS = {
  drain: "Twilio rejects +82",
  pause: "it floods",
  resumeNews: "its loop is mended",
  resumeTwilio: "Korea is enabled",
};

test("a country is rejected, an app floods and NATS restarts: commands alone solve it", async () => {
  await using incident = await startIncident();
  const steps = createSteps();
  /** Runs it, which is a step. @param shows what its output must have, in this order */
  async function carillon(args: readonly string[], seen: string, shows: readonly RegExp[], code = 0): Promise<void> {
    steps.step(`\`carillon ${args.map(quoted).join(" ")}\``, seen);
    const done = await runCli(args, incident.commandEnv);
    assert.equal(done.code, code, `${args.join(" ")}: ${done.stderr}${done.stdout}`);
    for (const pattern of shows) assert.match(done.stdout, pattern);
  }
  const order = (why: string) => ["--by", "ada", "--why", why];

  await incident.begin();
  await carillon(
    ["status"],
    "Texts wait as `misconfigured`. The circuits say why: Twilio rejects the country +82 (`region-not-enabled`), and Vonage, which would take over by itself, has `no-credit`. " +
      "Below: the app `news` has 300 open notifications, `shop` a dozen.",
    [
      /^ +sms +pending +\d+ +misconfigured: .*region-not-enabled/m,
      /^ +sms +twilio\/default +country \+82 .* misconfigured: region-not-enabled$/m,
      /^ +sms +vonage\/default +account .* misconfigured: no-credit$/m,
      /^ +app +open notifications\n.*\n +news +[23]\d\d\n +shop +\d{1,2}$/m,
    ],
  );
  incident.topUpVonage();
  steps.event("Vonage's credit is topped up, at Vonage.");
  await carillon(
    ["drain", "twilio/default", "--to", "vonage", "--reevaluate", "--accept-waiting", ...order(REASONS.drain)],
    "After 5 s: `twilio/default is drained to vonage`, that deliveries may wait for Vonage's circuit, which is open until Vonage has taken a first text, and how many texts were made due. " +
      "They arrive after that first one. Without `--accept-waiting` nothing is changed.",
    [/^twilio\/default is drained to vonage; /m, /^\d+ made due$/m],
  );
  await carillon(
    ["pause", "app:news", ...order(REASONS.pause)],
    "`app:news` is `paused`, since when, by whom and why. Letters of `shop` arrive; those of `news` wait.",
    [/^ +app:news +paused .* ada .* it floods$/m],
  );
  await incident.textsArrive();
  await incident.newsIsHeld();

  await incident.stopNats();
  steps.event("NATS goes away for a restart. Both apps go on sending, and are accepted.");
  await carillon(
    ["status"],
    "Exit status 1. Gateway, relay and dispatchers say `NATS: not connected … what is due waits in the store`; the queues cannot be read. Nothing to do but start NATS.",
    [/^ +relay +ready; NATS: not connected: .* what is due waits in the store$/m, /^ +queues cannot be read: NATS cannot be reached at /m],
    1,
  );
  await incident.restartNats();
  steps.event("NATS is back, with its data. Roles connect to it by themselves, and what waited is sent.");

  incident.mend();
  steps.event("News has mended its loop, and Twilio has enabled Korea.");
  await carillon(["resume", "app:news", ...order(REASONS.resumeNews)], "`resumed`: what waited goes out within seconds.", [/^resumed; /m]);
  await carillon(["resume", "account:twilio/default", ...order(REASONS.resumeTwilio)], "`resumed`: Twilio sends texts again.", [
    /^resumed; /m,
  ]);
  await incident.isOver();
  await carillon(
    ["status", "--promises"],
    "Exit status 0. Every role is ready, `nothing is open: every delivery has ended`, nothing is paused, and each promise `holds` that could be checked: nothing was lost, sent twice or sent to an opt-out.",
    [
      /^ +relay +ready$/m,
      /nothing is open: every delivery has ended/,
      /^ +holds +2 accepted = ends/m,
      /^ +holds +Nothing goes to an opt-out: /m,
    ],
  );
  await incident.assertLogged("ada", REASONS);
  assertShown(new URL("../../docs/incident.md", import.meta.url), "commands", steps);
});
