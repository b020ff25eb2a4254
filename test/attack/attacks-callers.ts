// Attacks with a valid key: what one app may not do to the others, and what no app may make the system do.
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { endpointToProto } from "../../adapters/wire/convert.ts";
import { readCallFault } from "../../cli/gateway/connect.ts";
import { ContactServiceService } from "../../gen/carillon/v1/contact_service.ts";
import type { Notification } from "../../gen/carillon/v1/notification_service.ts";
import { NotificationServiceService } from "../../gen/carillon/v1/notification_service.ts";
import { PreferenceServiceService } from "../../gen/carillon/v1/preference_service.ts";
import { callUnary } from "../../runtime/grpc/client.ts";
import { CRITICAL, notification, phone, toEndpoint, toUser } from "../e2e/calls.ts";
import { fresh } from "../support/fresh.ts";
import { updateRequest } from "../support/preference-requests.ts";
import { type Attack, only } from "./attack.ts";
import { type Answers, count } from "./grpc-wire.ts";
import type { AttackWorld, Caller } from "./world.ts";

const MARKETING = 3;
const DAY_MS = 86_400_000;
/** How long greedy callers go on, in ms. */
const GREEDY_MS = 15_000;

const nameOf = (error: unknown) => readCallFault(error).code;

/** Sends a batch and counts each item's answer. */
async function batch({ clients }: Caller, notifications: Notification[], answers: Answers): Promise<void> {
  try {
    const { results } = await callUnary(clients.notifications, NotificationServiceService.batchSendNotifications, { notifications });
    for (const { result } of results) count(answers, result?.$case === "accepted" ? "accepted" : (result?.value.reason ?? "no result"));
  } catch (error) {
    count(answers, nameOf(error));
  }
}

const many = (times: number, about: (i: number) => Partial<Notification>) =>
  Array.from({ length: times }, (_, i) => notification(about(i)));

/** Keys and addresses whose host is spelled so that one parser sees a listed push service and another one this machine. */
const PUSH_URLS = (port: number) => [
  "https://127.0.0.9%2Enotify.windows.com/w/?t=x",
  "https://127.0.0.77'.notify.windows.com/x",
  "https:///fcm.googleapis.com/x",
  `https://127.0.0.1:${port}/x`,
  `https://fcm.googleapis.com@127.0.0.1:${port}/x`,
  `https://127.0.0.1:${port}\\@fcm.googleapis.com/x`,
  `https://127.0.0.1:${port}#.notify.windows.com/x`,
  `https://fcm.googleapis.com:${port}/x`,
  `https://[::ffff:127.0.0.1]:${port}/x`,
  `https://0x7f.1:${port}/x`,
  `https://localhost.:${port}/x`,
  "https://169.254.169.254/latest/meta-data",
];

async function forgedPushUrls({ attackers: [attacker] }: AttackWorld): Promise<Answers> {
  const answers: Answers = {};
  const trap = createServer((socket) => {
    count(answers, "CONNECTED TO US");
    socket.destroy();
  });
  trap.listen(0, "127.0.0.1");
  await once(trap, "listening");
  const { port } = trap.address() as { port: number };
  // The public key of RFC 8291's example: a point on the curve.
  const p256dh = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
  const auth = "BTBZMqHH6r4Tts7J_aSIgg";
  for (const pushUrl of PUSH_URLS(port)) {
    const recipient = toEndpoint({ channel: "webpush", pushUrl, p256dh, auth });
    await callUnary(attacker!.clients.notifications, NotificationServiceService.sendNotification, {
      notification: notification({ recipient, notificationClass: CRITICAL }),
      validateOnly: false,
    }).then(
      () => count(answers, `accepted ${pushUrl}`),
      (error: unknown) => count(answers, nameOf(error)),
    );
  }
  // Longer than a dispatcher needs for what was accepted.
  await delay(1_000);
  trap.close();
  return answers;
}

export const CALLER_ATTACKS: readonly Attack[] = [
  {
    ...{ name: "push-urls", target: "dispatcher-webpush", about: "push URLs that hide another host" },
    run: forgedPushUrls,
    faults: only("INVALID_ARGUMENT"),
  },
  {
    ...{ name: "scheduled", target: "gateway", about: "30,000 marketing notifications of one app for the day after next month's" },
    async run({ attackers: [attacker] }) {
      const answers: Answers = {};
      const sendAt = new Date(Date.now() + 60 * DAY_MS);
      for (let i = 0; i < 30; i++)
        await batch(
          attacker!,
          many(1_000, () => ({ notificationClass: MARKETING, sendAt })),
          answers,
        );
      return answers;
    },
  },
  {
    ...{ name: "greedy", target: "gateway", about: "three apps, each with three callers in closed loops of 300 critical texts" },
    async run({ attackers }) {
      const answers: Answers = {};
      const until = performance.now() + GREEDY_MS;
      await Promise.all(
        attackers.flatMap((attacker) =>
          Array.from({ length: 3 }, async () => {
            while (performance.now() < until)
              await batch(
                attacker,
                many(300, () => ({ notificationClass: CRITICAL, recipient: toEndpoint(phone("+821011112222")) })),
                answers,
              );
          }),
        ),
      );
      return answers;
    },
  },
  {
    ...{ name: "many-endpoints", target: "gateway", about: "batches of 300 to a user with 100 endpoints of 4 kB tokens" },
    async run({ attackers: [attacker] }) {
      const answers: Answers = {};
      const userId = fresh("user");
      for (let i = 0; i < 100; i++) {
        const endpoint = endpointToProto({ channel: "fcm", token: `${fresh("t")}${"x".repeat(4_000)}` });
        await callUnary(attacker!.clients.contacts, ContactServiceService.registerContact, { userId, endpoint });
      }
      for (let i = 0; i < 5; i++)
        await batch(
          attacker!,
          many(300, () => ({ recipient: toUser(userId) })),
          answers,
        );
      await batch(
        attacker!,
        many(1_000, () => ({ recipient: toUser(userId) })),
        answers,
      );
      return answers;
    },
    faults: (answers) =>
      ["UNAVAILABLE", "INTERNAL", "UNKNOWN"].flatMap((answer) => (answers[answer] ? [`${answers[answer]} × ${answer}`] : [])),
  },
  {
    ...{ name: "opt-outs", target: "preferences", about: "6,000 opt-outs of one user in 60 calls" },
    async run({ attackers: [attacker] }) {
      const answers: Answers = {};
      const userId = fresh("user");
      const subject = { subject: { $case: "userId", value: userId } } as const;
      for (let call = 0; call < 60; call++) {
        const optOut = Array.from({ length: 100 }, (_, i) => ({ channel: 0 as const, category: `c-${call}-${i}` }));
        await callUnary(attacker!.clients.preferences, PreferenceServiceService.updatePreferences, updateRequest({ subject, optOut })).then(
          () => count(answers, "stored"),
          (error: unknown) => count(answers, nameOf(error)),
        );
      }
      // A person can always opt out of everything.
      await callUnary(
        attacker!.clients.preferences,
        PreferenceServiceService.updatePreferences,
        updateRequest({ subject, optOut: [{ channel: 0, category: "" }] }),
      ).then(
        () => count(answers, "everything stored"),
        (error: unknown) => count(answers, `everything: ${nameOf(error)}`),
      );
      return answers;
    },
    faults: (answers) => [
      ...((answers.stored ?? 0) > 10 ? [`${answers.stored} calls were stored: more than 1,000 opt-outs`] : []),
      ...only("stored", "FAILED_PRECONDITION", "everything stored")(answers),
    ],
  },
  {
    ...{ name: "premium-numbers", target: "gateway", about: "texts to premium and satellite numbers" },
    async run({ attackers: [attacker] }) {
      const answers: Answers = {};
      const numbers = ["+19005550123", "+449012345678", "+881612345678", "+882112345678", "+979123456789", "+870773123456"];
      await batch(
        attacker!,
        many(numbers.length, (i) => ({ recipient: toEndpoint(phone(numbers[i]!)) })),
        answers,
      );
      return answers;
    },
    faults: (answers) => (answers.accepted ? [`${answers.accepted} accepted`] : []),
  },
];
