import { join } from "node:path";
import { channelToProto, endpointToProto } from "../../adapters/wire/convert.ts";
import { CHANNELS } from "../../core/delivery/channel.ts";
import { ContactServiceService } from "../../gen/carillon/v1/contact_service.ts";
import { PreferenceServiceService, type Subject } from "../../gen/carillon/v1/preference_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import type { Sandbox } from "../../sandbox/main.ts";
import type { Clients } from "../gateway/connect.ts";
import { parseEndpoint } from "../gateway/jsonl.ts";
import { object, oneOf, readJson, string } from "../gateway/line-values.ts";
import { readLines } from "../gateway/read-lines.ts";

/** Users, opt-outs and notifications to try things with. */
export const EXAMPLES = join(import.meta.dirname, "../../examples");

/** Registers the endpoints of examples/contacts.jsonl and the opt-outs of examples/opt-outs.jsonl. */
export async function registerExamples(
  folder: string,
  clients: Clients,
  sandbox: Sandbox,
): Promise<{ users: number; contacts: number; optOuts: number }> {
  const users = new Set<string>();
  let contacts = 0;
  let optOuts = 0;
  for await (const text of readLines(join(folder, "contacts.jsonl"))) {
    const { user, endpoint } = object(readJson(text), "the line");
    const userId = string(user, "user");
    await callUnary(clients.contacts, ContactServiceService.registerContact, {
      userId,
      endpoint: readEndpoint(object(endpoint, "endpoint"), sandbox),
    });
    users.add(userId);
    contacts++;
  }
  for await (const text of readLines(join(folder, "opt-outs.jsonl"))) {
    const { user, endpoint, channel, category } = object(readJson(text), "the line");
    const subject: Subject = {
      subject:
        user === undefined
          ? { $case: "endpoint", value: parseEndpoint(object(endpoint, "endpoint"), "endpoint") }
          : { $case: "userId", value: string(user, "user") },
    };
    const optOut = {
      channel: channel === undefined ? 0 : channelToProto(oneOf(CHANNELS, channel, "channel")),
      category: string(category ?? "", "category"),
    };
    await callUnary(clients.preferences, PreferenceServiceService.updatePreferences, {
      ...{ subject, optOut: [optOut], optIn: [], consent: [], origin: undefined },
    });
    optOuts++;
  }
  return { users: users.size, contacts, optOuts };
}

/** A browser's subscription belongs to a push service, so the sandbox creates it: {"webPushOfSandbox": NAME}. */
function readEndpoint(json: Record<string, unknown>, sandbox: Sandbox) {
  const name = json.webPushOfSandbox;
  return name === undefined
    ? parseEndpoint(json, "endpoint")
    : endpointToProto({ channel: "webpush", ...sandbox.webPushSubscription(string(name, "webPushOfSandbox")) });
}
