import type { Command, ListedCommand } from "./command.ts";

/** Modules load only when one of their commands runs or is asked about. */
type Load = ListedCommand["load"];

const dev: Load = async () => (await import("./dev/commands.ts")).DEV_COMMANDS;
const gateway: Load = async () => (await import("./gateway/command.ts")).GATEWAY_COMMANDS;
const user: Load = async () => (await import("./gateway/user.ts")).USER_COMMANDS;
const apps: Load = async () => (await import("./apps/command.ts")).APP_COMMANDS;
const preferences: Load = async () => (await import("./preferences/command.ts")).PREFERENCE_COMMANDS;
const memory: Load = async () => (await import("./preferences/memory-command.ts")).MEMORY_COMMANDS;
const audit: Load = async () => (await import("./audit/command.ts")).AUDIT_COMMANDS;
const dead: Load = async () => (await import("./dead-letters/command.ts")).DEAD_COMMANDS;
const suppressions: Load = async () => (await import("./suppressions/command.ts")).SUPPRESSION_COMMANDS;
const lists: Load = async () => (await import("./lists/command.ts")).LIST_COMMANDS;
const provision: Load = async () => (await import("./provision/command.ts")).PROVISION_COMMANDS;
const doctor: Load = async () => (await import("./doctor/command.ts")).DOCTOR_COMMANDS;
const capacity: Load = async () => (await import("./capacity/command.ts")).CAPACITY_COMMANDS;
const config: Load = async () => (await import("./config/command.ts")).CONFIG_COMMANDS;
const why: Load = async () => (await import("./why/command.ts")).WHY_COMMANDS;
const status: Load = async () => (await import("./status/command.ts")).STATUS_COMMANDS;
const steering: Load = async () => (await import("./steering/command.ts")).STEERING_COMMANDS;
const find: Load = async () => (await import("./notifications/find.ts")).FIND_COMMANDS;
const cancel: Load = async () => (await import("./notifications/cancel.ts")).CANCEL_COMMANDS;
const completion: Load = async () => (await import("./completion/command.ts")).completionCommands({ commands: COMMANDS, aliases: ALIASES });

/** What `carillon help` shows, by section and in its order. A command has one word, two ("dead list") or three ("app key add"). */
export const SECTIONS: readonly { title: string; commands: Readonly<Record<string, readonly [summary: string, load: Load]>> }[] = [
  {
    title: "on your machine",
    commands: {
      up: ["runs the whole system, against simulated providers", dev],
      demo: ["starts everything, sends examples, checks the promises", dev],
      sandbox: ["simulates the providers for other processes", dev],
      "sandbox credentials": ["fetches a sandbox's credentials", dev],
    },
  },
  {
    title: "send and look, as an app (API key)",
    commands: {
      send: ["sends one notification, or each line of a file", gateway],
      preview: ["shows what each provider would be sent", gateway],
      get: ["shows a notification with its deliveries and attempts", gateway],
      find: ["finds notifications by user, state, reason, tag and more", find],
      cancel: ["cancels what was not sent yet, and says what was", cancel],
      "blob put": ["stores a file for attachments", gateway],
      "user export": ["prints all that is stored of a user", user],
      "user erase": ["deletes all that is stored of a user", user],
    },
  },
  {
    title: "operate (STORE_URL)",
    commands: {
      status: ["shows roles, what waits and why, queues", status],
      why: ["tells what happened to a notification, and why", why],
      tail: ["follows notifications until they have ended", status],
      audit: ["checks the promises against everything stored", audit],
      steering: ["shows what is paused or drained, and how many wait", steering],
      pause: ["holds a channel, class, app or account back", steering],
      resume: ["ends a pause or a drain, and sends what waited", steering],
      drain: ["has one provider's sends made by another", steering],
      reevaluate: ["makes due what waits", steering],
      resend: ["sends a notification again, as a new one", steering],
      "audit-log": ["lists what operators did, and why", steering],
      "dead list": ["lists deliveries that failed", dead],
      "dead redrive": ["sends failed deliveries again", dead],
      "dead poison": ["lists queue messages that nobody could handle", dead],
    },
  },
  {
    title: "apps and keys (STORE_URL)",
    commands: {
      keys: ["lists the keys of all apps, and when they expire", apps],
      "app create": ["registers an app with its first API key", apps],
      "app list": ["lists the apps", apps],
      "app show": ["shows an app's channels, limits and keys", apps],
      "app channels": ["sets the channels that an app may use", apps],
      "app key add": ["gives an app another API key", apps],
      "app key list": ["lists an app's keys", apps],
      "app key rotate": ["replaces an app's keys after an overlap", apps],
      "app key revoke": ["revokes keys of an app", apps],
      "app limits set": ["sets limits of an app", apps],
      "app limits show": ["shows an app's own limits", apps],
      "app accounts set": ["says which provider accounts serve an app", apps],
      "app accounts show": ["shows them", apps],
      "app brand set": ["sets how an app looks on recipients' pages", apps],
      "app brand show": ["shows it", apps],
      "app brand clear": ["takes it away", apps],
      "app webhook set": ["adds or changes an endpoint that is told of changes", apps],
      "app webhook list": ["lists them", apps],
      "app webhook rotate": ["gives one a new secret", apps],
      "app webhook remove": ["removes one", apps],
    },
  },
  {
    title: "people's choices (STORE_URL)",
    commands: {
      "category put": ["creates or replaces categories of an app", preferences],
      "category list": ["lists them", preferences],
      "category delete": ["removes one", preferences],
      "preferences show": ["shows what somebody chose, and what blocks them", preferences],
      "preferences history": ["shows who changed it, how and why", preferences],
      "opt-outs import": ["stores refusals and consents of a file", lists],
      "opt-outs export": ["writes them as a file", lists],
      "contacts import": ["registers the endpoints of a file", lists],
      "contacts export": ["writes them as a file", lists],
      "suppressions import": ["blocks the endpoints of a file", lists],
      "suppressions export": ["writes the blocked ones as a file", lists],
      "suppressions sync": ["compares with what a provider suppresses", suppressions],
      "suppressions lift": ["shows what blocks an endpoint, and lifts it", suppressions],
    },
  },
  {
    title: "install",
    commands: {
      config: ["prints the environment variables of a role", config],
      provision: ["creates and checks the store and the streams", provision],
      capacity: ["computes pods and servers for a daily load", capacity],
      "preferences memory": ["predicts what opt-outs take in Redis", memory],
      "doctor email": ["checks one-click unsubscribe in a received mail", doctor],
      completion: ["prints completion for bash, zsh or fish", completion],
    },
  },
];

/** Other names of commands. */
export const ALIASES: Readonly<Record<string, string>> = {
  dev: "up",
  "keys list": "keys",
  "keys create": "app key add",
  "keys rotate": "app key rotate",
  "keys revoke": "app key revoke",
};

/** Every command by its name, in the order of `carillon help`. */
export const COMMANDS: Readonly<Record<string, ListedCommand>> = Object.fromEntries(
  SECTIONS.flatMap(({ commands }) => Object.entries(commands).map(([name, [summary, load]]) => [name, { summary, load }])),
);

/** Throws where its module lacks it, which is a mistake in the list above. */
export async function loadCommand(name: string): Promise<Command> {
  const command = (await COMMANDS[name]?.load())?.[name];
  if (!command) throw new Error(`no module has the command ${name}`);
  return command;
}
