// `helm test`: asks the gateway's health through its Service, as a caller would reach it. Runs in the image, in /app.
import { readFileSync } from "node:fs";
import { connect } from "node:tls";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { service } from "grpc-health-check";

const DEADLINE_MS = 20_000;
const { ADDRESS: address, TLS: tls, CLIENT_CA: asks, CERTIFICATE: directory } = process.env;
// Whom the gateway is, callers check; here it is whether it answers.
const unchecked = { rejectUnauthorized: false };

if (asks === "true" && !directory) shakeHands();
else check(tls === "true" ? credentials.createSsl(null, ...pair(), unchecked) : credentials.createInsecure());

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

/** Without a certificate to show there is no call; but only pods that are ready stand behind the Service, so an answer is one of theirs. */
function shakeHands() {
  const { hostname: host, port } = new URL(`tls://${address}`);
  const socket = connect({ host, port, ALPNProtocols: ["h2"], ...unchecked });
  socket.setTimeout(DEADLINE_MS, () => end(1, `${address} does not answer`));
  socket.on("error", (error) => end(1, `${address} cannot be reached: ${error.message}`));
  socket.on("secureConnect", () => {
    if (socket.alpnProtocol !== "h2") end(1, `${address} does not speak HTTP/2`);
    end(0, `${address} answers, and wants a certificate; with tests.clientCertificate.existingSecret it is asked for its health`);
  });
}

/** Key and certificate to show, where there are any. */
function pair() {
  return directory ? ["tls.key", "tls.crt"].map((file) => readFileSync(`${directory}/${file}`)) : [null, null];
}

function end(code, text) {
  console.log(text);
  process.exit(code);
}
