import { type ExportUserResponse, ProfileServiceService } from "../../gen/carillon/v1/profile_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { type Command, fail } from "../command.ts";
import { ORDER_OPTIONS, ORDER_USAGE, readOrder } from "../order.ts";
import { checkArguments } from "./argument-faults.ts";
import { CLIENT_OPTIONS, CLIENT_USAGE, connect } from "./command.ts";
import { CALL_MS, readCallFault } from "./connect.ts";

/** Calls that one command makes at most: each erases what it can within a call's time. */
const CALLS_MAX = 1_000;
/** Characters of EraseUserRequest.requested_by, as the contract says. */
const REQUESTED_BY_MAX = 128;

/** What data protection law asks for, of one user of the app. */
export const USER_COMMANDS: Readonly<Record<string, Command>> = {
  "user export": {
    about:
      "prints all that is stored of a user, a JSON document a line: profile, endpoints, choices and their history, notifications, attempts",
    usage: `USER_ID ${CLIENT_USAGE} [--clear-endpoints]`,
    options: { ...CLIENT_OPTIONS, "clear-endpoints": { type: "boolean" } },
    async run({ values, positionals, env }) {
      const userId = readUserId(positionals[0]);
      using clients = connect(values, env);
      return await reported("export", async () => {
        const stream = clients.profiles.exportUser({ userId, clearEndpoints: values["clear-endpoints"] === true });
        for await (const { kind, document } of stream as AsyncIterable<ExportUserResponse>)
          process.stdout.write(`${JSON.stringify({ kind, document: JSON.parse(document) as unknown })}\n`);
        return 0;
      });
    },
  },
  "user erase": {
    about:
      "deletes all that is stored of a user, and keeps what they refused under a hash of their id; prints the signed report of each call it took; exit " +
      "status 1 if something is left, for example a delivery that is with a provider: repeat the command later",
    usage: `USER_ID ${ORDER_USAGE} ${CLIENT_USAGE}`,
    options: { ...CLIENT_OPTIONS, ...ORDER_OPTIONS },
    async run({ values, positionals, env }) {
      const userId = readUserId(positionals[0]);
      const { actor, reason } = readOrder({ values });
      const requestedBy = `${actor}: ${reason}`;
      if (requestedBy.length > REQUESTED_BY_MAX) fail(`--by and --why may have ${REQUESTED_BY_MAX - 2} characters together`);
      using clients = connect(values, env);
      return await reported("erase", async () => {
        for (let calls = 0; calls < CALLS_MAX; calls++) {
          const request = { userId, requestedBy };
          const { report, signature } = await callUnary(clients.profiles, ProfileServiceService.eraseUser, request, {
            deadlineMs: CALL_MS,
          });
          process.stdout.write(`${JSON.stringify({ report, signature })}\n`);
          const { complete, in_flight } = JSON.parse(report) as { complete: boolean; in_flight: number };
          if (complete) return 0;
          if (in_flight > 0) break;
        }
        return 1;
      });
    },
  },
};

function readUserId(given: string | undefined): string {
  const userId = given ?? fail("USER_ID is missing");
  checkArguments("ExportUserRequest", { userId, clearEndpoints: false }, { user_id: "USER_ID" });
  return userId;
}

async function reported(command: string, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = readCallFault(error);
    process.stderr.write(`carillon user ${command}: ${code}: ${message}\n`);
    return 1;
  }
}
