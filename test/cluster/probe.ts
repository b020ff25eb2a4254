// A kubelet's probes.
import { Client, credentials } from "@grpc/grpc-js";
import { type Container, type Probe, portOf } from "./pod.ts";

const PROBE_MS = 2_000;

/** Whether the container's probe succeeds; without a probe it does. */
export async function answersWell(probe: Probe | undefined, container: Container, address: string): Promise<boolean> {
  if (probe?.httpGet) {
    const { port, path = "/", scheme = "HTTP" } = probe.httpGet;
    if (scheme !== "HTTP") throw new Error(`a probe by ${scheme} is not supported here`);
    const answer = await fetch(`http://${address}:${portOf(container, port)}${path}`, { signal: AbortSignal.timeout(PROBE_MS) }).catch(
      () => undefined,
    );
    await answer?.body?.cancel();
    return answer !== undefined && answer.status >= 200 && answer.status < 400;
  }
  if (probe?.grpc) return isServing(`${address}:${probe.grpc.port}`, probe.grpc.service ?? "");
  if (probe?.tcpSocket || probe?.exec) throw new Error("probes by TCP and by a command are not supported here");
  return true;
}

/** grpc.health.v1: one field each way, so no generated code. */
async function isServing(target: string, service: string): Promise<boolean> {
  const client = new Client(target, credentials.createInsecure());
  try {
    return await new Promise<boolean>((resolve) => {
      const name = Buffer.from(service);
      client.makeUnaryRequest(
        "/grpc.health.v1.Health/Check",
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name]),
        { deadline: Date.now() + PROBE_MS },
        (error, answer) => resolve(error === null && answer?.[0] === 0x08 && answer[1] === 1),
      );
    });
  } finally {
    client.close();
  }
}
