// `helm test`: calls the gateway's health service through its Service, as a caller would. Runs in the image, in /app.
import { readFileSync } from "node:fs";
import { connect } from "node:tls";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { service } from "grpc-health-check";

const DEADLINE_MS = 20_000;
const { ADDRESS: address, TLS: tls, CLIENT_CA: clientCa, CERTIFICATE: directory } = process.env;
// This tests that the gateway answers; verifying its name is the callers' part.
const unverified = { rejectUnauthorized: false };

if (clientCa === "true" && !directory) checkHandshake();
else check(tls === "true" ? credentials.createSsl(null, ...pair(), unverified) : credentials.createInsecure());

function check(channel) {
  const Health = makeGenericClientConstructor(service);
  const client = new Health(address, channel);
  client.waitForReady(Date.now() + DEADLINE_MS, (unreachable) => {
    if (unreachable) end(1, `${address} cannot be reached: ${unreachable.message}`);
    client.check({ service: "readiness" }, { deadline: Date.now() + DEADLINE_MS }, (error, answer) =>
      error ? end(1, `${address}: ${error.message}`) : end(answer.status === "SERVING" ? 0 : 1, `${address} is ${answer.status}`),
    );
  });
}

/** A call needs a client certificate. Without one a handshake is enough: the Service has ready pods only. */
function checkHandshake() {
  const { hostname: host, port } = new URL(`tls://${address}`);
  const socket = connect({ host, port, ALPNProtocols: ["h2"], ...unverified });
  socket.setTimeout(DEADLINE_MS, () => end(1, `${address} does not answer`));
  socket.on("error", (error) => end(1, `${address} cannot be reached: ${error.message}`));
  socket.on("secureConnect", () => {
    if (socket.alpnProtocol !== "h2") end(1, `${address} does not speak HTTP/2`);
    end(0, `${address} answers and requires a client certificate; set tests.clientCertificate.existingSecret to check its health`);
  });
}

/** The client's key and certificate, where there are any. */
function pair() {
  return directory ? ["tls.key", "tls.crt"].map((file) => readFileSync(`${directory}/${file}`)) : [null, null];
}

function end(code, text) {
  console.log(text);
  process.exit(code);
}
