import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { startDev } from "../../cli/dev.ts";
import { connectGateway } from "../../cli/rpc.ts";
import { openStore } from "../../infra/store.ts";
import { startSandbox } from "../../sandbox/main.ts";
import { eventually } from "../support/eventually.ts";
import { fresh, mail, notification, sendBatch, toEndpoint } from "./calls.ts";

test("x", async () => {
  const directory = mkdtempSync(join(tmpdir(), "carillon-restart-"));
  await using sandbox = await startSandbox({ directory: join(directory, "providers") });
  sandbox.faults.order({ provider: "sendgrid", times: 2000, do: { kind: "delay", ms: 100 } });
  const env = { ...sandbox.env, DISPATCH_IN_FLIGHT: "4", PROVIDER_DEADLINE_MS: "2000", LOG_LEVEL: "warn" };
  const show = async (url: string, what: string) => {
    const nc = await connect({ servers: url });
    const jsm = await jetstreamManager(nc);
    const i = await jsm.consumers.info("CARILLON_EMAIL", "email-transactional");
    const s = await jsm.streams.info("CARILLON_EMAIL");
    console.log(
      what,
      "ack_pending",
      i.num_ack_pending,
      "redelivered",
      i.num_redelivered,
      "pending",
      i.num_pending,
      "waiting",
      i.num_waiting,
      "stream",
      s.state.messages,
      "ledger",
      sandbox.ledger.entries().length,
    );
    await nc.close();
  };
  {
    const first = await startDev({ directory, env });
    {
      using clients = connectGateway(first.gatewayAddress, first.apiKey);
      await sendBatch(
        { clients },
        Array.from({ length: 100 }, () => notification({ recipient: toEndpoint(mail(`${fresh("a")}@example.com`)) })),
      );
    }
    await eventually("half", () => sandbox.ledger.entries().length >= 40);
    await show(first.natsUrl, "before");
    const email = first.roles.find((r) => r.name === "email" || r.name.includes("email"))!;
    await email[Symbol.asyncDispose]();
    await show(first.natsUrl, "after role stop");
    
    await first[Symbol.asyncDispose]();
  }
  {
    await using second = await startDev({ directory, env });
    for (let i = 0; i < 1; i++) {
      await show(second.natsUrl, "second");
      await delay(1000);
    }
    await using store = await openStore(second.storeUrl);
    for await (const n of store.notifications.all())
      for (const d of n.deliveries)
        if (d.state !== "sent") console.log(d.id, d.state, d.publications, d.attempt, (d.nextAt ?? 0) - Date.now());
  }
  rmSync(directory, { recursive: true, force: true });
});
