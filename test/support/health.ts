import { makeGenericClientConstructor, type ServiceError, status } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { callUnary, createClient } from "../../runtime/grpc/client.ts";

const Health = makeGenericClientConstructor(healthService as never, "Health");
/** Long enough for every answer on a busy machine. */
const ANSWER_MS = 60_000;

/** What "", liveness and readiness answer at 127.0.0.1, in that order; the call's status where there is no server. */
export async function healthAt(port: number): Promise<string[]> {
  using client = createClient(Health, `127.0.0.1:${port}`);
  const ask = (service: string) =>
    callUnary(client, healthService.Check as never, { service } as never, { deadlineMs: ANSWER_MS }).then(
      (answer) => (answer as { status: string }).status,
      (error: ServiceError) => status[error.code] ?? "?",
    );
  return await Promise.all(["", "liveness", "readiness"].map(ask));
}
