// `helm test`: asks the gateway's health through its Service, as a caller would reach it. Runs in the image, in /app.
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { service } from "grpc-health-check";

const DEADLINE_MS = 20_000;
const { ADDRESS: address, TLS: tls } = process.env;
// Whom the gateway is, callers check; here it is whether it answers.
const channel = tls === "true" ? credentials.createSsl(null, null, null, { rejectUnauthorized: false }) : credentials.createInsecure();
const Health = makeGenericClientConstructor(service);
const client = new Health(address, channel);
client.waitForReady(Date.now() + DEADLINE_MS, (unreachable) => {
  if (unreachable) end(1, `${address} cannot be reached: ${unreachable.message}`);
  client.check({ service: "readiness" }, { deadline: Date.now() + DEADLINE_MS }, (error, answer) =>
    error ? end(1, `${address}: ${error.message}`) : end(answer.status === "SERVING" ? 0 : 1, `${address} is ${answer.status}`),
  );
});

function end(code, text) {
  console.log(text);
  process.exit(code);
}
