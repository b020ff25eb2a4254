import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery, NotificationRecord } from "../../core/delivery/notification.ts";
import { type AttemptRecord, attemptId } from "../../core/ports/attempt-store.ts";
import { sampleNotification } from "../../test/support/notification-samples.ts";
import { timelineOf } from "./timeline.ts";

const T0 = Date.UTC(2026, 0, 5, 12);
const SECOND = 1_000;
const base = sampleNotification("told", T0);
const deliveryId = base.deliveries[0]!.id;

const withDelivery = (about: Partial<Delivery>, over: Partial<NotificationRecord> = {}): NotificationRecord => ({
  ...base,
  ...over,
  deliveries: [{ ...base.deliveries[0]!, ...about }],
});
const attempt = (number: number, over: Partial<AttemptRecord>): AttemptRecord => ({
  ...{ id: attemptId(deliveryId, number), deliveryId, number, worker: "w", provider: "twilio" },
  ...{ startedAt: T0 + number * SECOND, deadlineAt: T0 + number * SECOND + 15_000, ...over },
});
/** The one delivery's story, its times as seconds since acceptance. */
function told(record: NotificationRecord, attempts: readonly AttemptRecord[], now = T0 + 60 * SECOND) {
  const { events, next, reason, endpoint } = timelineOf(record, attempts, now).deliveries[0]!;
  const line = ({ at, words }: { at: number; words: string }) => `${(at - T0) / SECOND} ${words}`;
  return { events: events.map(line), next: next && line(next).replace(/; it expires.*/, ""), reason: reason?.code, endpoint };
}

test("attempts, their answers and the end are told in their order, and the endpoint is masked", () => {
  const record = withDelivery({ state: "sent", attempt: 2, nextAt: undefined, endedAt: T0 + 3 * SECOND });
  const attempts = [
    attempt(1, { outcome: { kind: "unavailable", fault: { code: "http-503" } }, answeredAt: T0 + 1.2 * SECOND }),
    attempt(2, { account: "acme", outcome: { kind: "accepted", providerRef: "SM1" }, answeredAt: T0 + 3 * SECOND }),
  ];
  assert.deepEqual(told(record, attempts), {
    events: [
      "0 accepted",
      "1 attempt 1 by twilio",
      "1.2 attempt 1: nothing was sent (http-503)",
      "2 attempt 2 by twilio, account acme",
      "3 attempt 2: the provider accepted it, reference SM1",
      "3 ended as sent",
    ],
    ...{ next: undefined, reason: undefined, endpoint: "+49…78" },
  });
});

test("an attempt in doubt is told with what resolved it", () => {
  const unanswered = { kind: "unanswered", fault: { code: "deadline" } } as const;
  const resolution = { outcome: { kind: "accepted", providerRef: "SM2" }, by: "receipt", at: T0 + 20 * SECOND } as const;
  const { events } = told(withDelivery({ state: "delivered", nextAt: undefined, endedAt: T0 + 21 * SECOND }), [
    attempt(1, { outcome: unanswered, answeredAt: T0 + 11 * SECOND, resolution }),
  ]);
  assert.deepEqual(events.slice(2), [
    "11 attempt 1: no usable answer, so it may have been sent (deadline)",
    "20 attempt 1: a receipt of the provider says the provider accepted it, reference SM2",
    "21 ended as delivered",
  ]);
});

test("a redrive, a policy's repetition, a void number and a silent worker are told", () => {
  const attempts = [
    attempt(1, { outcome: { kind: "void", state: "expired", reason: { code: "expired" } }, answeredAt: T0 }),
    attempt(2, { redrive: 1, outcome: { kind: "rejected", reason: "30006" }, answeredAt: T0 + 2 * SECOND }),
    attempt(3, { policyResend: true }),
  ];
  assert.deepEqual(told(withDelivery({ attempt: 3, publishCount: 1 }), attempts).events.slice(1), [
    "1 attempt 1 was given up before a call: expired, expired",
    "2 attempt 2 by twilio, after a redrive",
    "2 attempt 2: the provider rejects it (30006)",
    "3 attempt 3 by twilio, which repeats one in doubt",
    "18 attempt 3: its worker was silent past its deadline",
  ]);
});

/** What a delivery waits for, and what is said of it. */
const NEXT: readonly [
  situation: string,
  about: Partial<Delivery>,
  attempts: readonly AttemptRecord[],
  says: string,
  over?: Partial<NotificationRecord>,
][] = [
  ["its turn", { nextAt: T0 + 70 * SECOND }, [], "70 its task is published"],
  [
    "the queue",
    { publishCount: 1, publishedAt: T0, nextAt: T0 + 90 * SECOND },
    [],
    "90 its task, which waits in the queue of sms for attempt 1, is looked after",
  ],
  [
    "a worker",
    { publishCount: 1, publishedAt: T0, nextAt: T0 + 90 * SECOND },
    [attempt(1, {})],
    "90 the worker that has it must have answered",
  ],
  [
    "another try",
    { attempt: 2, nextAt: T0 + 75 * SECOND, reason: { code: "unavailable", detail: "http-503" } },
    [attempt(1, { outcome: { kind: "unavailable", fault: { code: "http-503" } }, answeredAt: T0 + SECOND })],
    "75 attempt 2 is published",
  ],
  [
    "the end of quiet hours",
    { nextAt: T0 + 900 * SECOND, reason: { code: "quiet-hours" } },
    [],
    "900 the recipient's quiet hours end, and it is sent",
  ],
  [
    "the next window",
    { nextAt: T0 + 900 * SECOND, reason: { code: "cap" } },
    [],
    "900 the next window of the frequency cap begins, and it is sent",
  ],
  [
    "the end of a pause",
    { nextAt: T0 + 900 * SECOND, reason: { code: "paused", detail: "channel:sms" } },
    [],
    "900 the pause is looked at again; once it has ended, it is sent within seconds",
  ],
  ["its time", { nextAt: T0 + 3_600 * SECOND }, [], "3600 its time comes, and it is sent", { sendAt: T0 + 3_600 * SECOND }],
  [
    "a resolution",
    { state: "uncertain", uncertainSince: T0 + SECOND, nextAt: T0 + 61 * SECOND, reason: { code: "outcome-unknown" } },
    [attempt(1, { outcome: { kind: "unanswered", fault: { code: "reset" } }, answeredAt: T0 + SECOND })],
    "61 the provider is asked again, or what its class does in doubt is decided",
  ],
];
for (const [situation, about, attempts, says, over] of NEXT)
  test(`what waits for ${situation} says so`, () => {
    assert.equal(told(withDelivery(about, over), attempts).next, says);
  });
