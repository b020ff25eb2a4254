import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../../test/support/eventually.ts";
import { startNats } from "../../test/support/servers.ts";
import { role } from "../main.ts";
import { ask, proxyCa, SMS } from "./test/world.ts";

test("the autoscaler serves the metrics API where a listening address is set", async () => {
  await using server = await startNats();
  await using directory = await mkdtempDisposable(join(tmpdir(), "carillon-metrics-api-role-"));
  const ca = join(directory.path, "front-proxy-ca.pem");
  writeFileSync(ca, proxyCa.cert);
  const common = { LOG_LEVEL: "error", HTTP_HOST: "127.0.0.1", HTTP_PORT: "0", NATS_URL: server.url, AUTOSCALER_LISTEN: "127.0.0.1:0" };

  await using without = await role.start(common);
  assert.deepEqual(Object.keys(without.addresses), ["grpc", "http"]);

  await using autoscaler = await role.start({
    ...common,
    AUTOSCALER_METRICS_API_LISTEN: "127.0.0.1:0",
    AUTOSCALER_METRICS_API_CLIENT_CA_FILE: ca,
  });
  const port = Number(autoscaler.addresses.metricsApi?.split(":").at(-1));
  // Before the first sample the rate is unknown.
  await eventually("the API answers", async () => [200, 503].includes((await ask(port, SMS)).code ?? 0));
  await assert.rejects(
    role.start({ ...common, AUTOSCALER_METRICS_API_LISTEN: "127.0.0.1:0" }),
    /AUTOSCALER_METRICS_API_CLIENT_CA_FILE: must be set/,
  );
});
